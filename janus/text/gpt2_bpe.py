"""GPT-2's byte-level BPE, as fairseq applies it for BART: text to the numbers of encoder.json, written as words.

The encoder is fairseq's. In addition, the files are checked and may be compressed, and the cache of words, which in
fairseq grows with the corpus, is bounded.
"""

from collections.abc import Mapping
from pathlib import Path

from janus.dictionary import read_dictionary
from janus.errors import InputError
from janus.fetching.opening import read_lines, read_text
from janus.files import parse_json

_VERSION = "#version"
_CACHED_WORDS = 1 << 17


class Gpt2Bpe:
    """Encode and decode lines. Raises InputError for files that are not a BPE or do not belong together."""

    def __init__(self, encoder_json: Path, vocab_bpe: Path):
        # Importing fairseq is slow, and only this step of the corpora needs it.
        from fairseq.data.encoders.gpt2_bpe_utils import Encoder, bytes_to_unicode

        numbers = _numbers(encoder_json)
        merges = _merges(vocab_bpe)
        _check_symbols(numbers, set(bytes_to_unicode().values()), merges, encoder_json, vocab_bpe)
        self.numbers = frozenset(map(str, numbers.values()))
        self._bpe = Encoder(encoder=dict(numbers), bpe_merges=merges)
        self._bpe.cache = _Bounded()

    def encode(self, line: str) -> str:
        """The subwords of a line, as numbers with spaces between."""
        return " ".join(map(str, self._bpe.encode(line)))

    def decode(self, subwords: str) -> str:
        """The text of a line of subwords; other symbols, such as fairseq's special ones, are left out."""
        numbers = [int(word) for word in subwords.split() if word in self.numbers]
        return self._bpe.decode(numbers)

    def require_dictionary(self, path: Path) -> None:
        """Raise InputError if a fairseq dictionary and the subwords of this BPE differ.

        fairseq pads dictionaries with unused entries `madeupword…`.
        """
        entries = read_dictionary(path)
        strange = [entry for entry in entries if entry not in self.numbers and not entry.startswith("madeupword")]
        lacking = len(self.numbers - set(entries))
        if strange or lacking:
            what = f"holds {strange[0]!r}, which is no subword" if strange else f"lacks {lacking:,} subwords"
            raise InputError(
                f"{what} of this BPE", where=path, fix="use the dict.txt that belongs to encoder.json and vocab.bpe"
            )


class _Bounded(dict):
    """A cache that is cleared when it is full; common words soon return."""

    def __setitem__(self, key: str, value: str) -> None:
        if len(self) >= _CACHED_WORDS:
            self.clear()
        super().__setitem__(key, value)


def _numbers(path: Path) -> Mapping[str, int]:
    try:
        numbers = parse_json(read_text(path))
    except InputError:
        raise
    except ValueError as error:
        raise InputError(f"not JSON ({error})", where=path, fix="give GPT-2's encoder.json") from error
    if (
        not isinstance(numbers, dict)
        or not all(type(number) is int for number in numbers.values())
        or sorted(numbers.values()) != list(range(len(numbers)))
    ):
        raise InputError("does not number its subwords from 0", where=path, fix="give GPT-2's encoder.json")
    return numbers


def _merges(path: Path) -> list[tuple[str, ...]]:
    lines = list(read_lines(path))
    if not lines or not lines[0].startswith(_VERSION):
        raise InputError(f"first line has no {_VERSION!r}", where=f"{path}:1", fix="give GPT-2's vocab.bpe")
    merges = [tuple(line.split()) for line in lines[1:]]
    for number, merge in enumerate(merges, 2):
        if len(merge) != 2:
            raise InputError("not two symbols", where=f"{path}:{number}", fix="give GPT-2's vocab.bpe")
    return merges


def _check_symbols(
    numbers: Mapping[str, int], letters: set[str], merges: list[tuple[str, ...]], encoder_json: Path, vocab_bpe: Path
) -> None:
    lacking = letters - set(numbers)
    if lacking:
        raise InputError(
            f"lacks {len(lacking)} of the 256 bytes", where=encoder_json, fix="give a byte-level encoder.json"
        )
    for number, merge in enumerate(merges, 2):
        if "".join(merge) not in numbers:
            raise InputError(
                f"merges {''.join(merge)!r}, which {Path(encoder_json).name} does not number",
                where=f"{vocab_bpe}:{number}",
                fix="give the two files of one BPE",
            )

"""Joint byte-pair encoding, learnt on the training text of both languages with subword-nmt.

Words are counted in a stream, and the merges are learnt from the counts. The codes are those that subword-nmt learns
from the text itself, and memory grows only with the number of different words.
"""

import io
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from subword_nmt.apply_bpe import BPE
from tqdm import tqdm

from janus.dictionary import RESERVED
from janus.errors import InputError
from janus.files import iter_lines, read_lines, write_lines
from janus.records.shapes import CORPUS, read_record
from janus.text.merges import learn_merges
from janus.text.parallel_lines import map_calls, map_lines
from janus.text.split_writer import SPLITS

_VERSION = "#version: 0.2"
_CACHED_WORDS = 1 << 18


def learn_and_apply(corpus_dir: Path, *, merges: int, workers: int = 1, progress: bool = True) -> None:
    """Learn at most `merges` joint operations on tok/train of both languages; write bpe/codes and bpe/<split>.<lang>.

    There are fewer if no pair is left that occurs twice. The result depends only on the text, not on `workers`, the
    number of processes. Raises InputError if the corpus is not prepared or `merges` is not positive.
    """
    corpus_dir = Path(corpus_dir)
    if merges < 1:
        raise InputError(f"{merges} BPE merges", where="merges", fix="give a positive number")
    facts = read_record(corpus_dir / "corpus.json", CORPUS, "source", "target")
    languages = facts["source"], facts["target"]
    codes = corpus_dir / "bpe" / "codes"
    texts = [corpus_dir / "tok" / f"train.{language}" for language in languages]
    learn(count_words(texts, workers=workers), codes, merges, where=texts[0], progress=progress)
    for split in SPLITS:
        for language in languages:
            source = corpus_dir / "tok" / f"{split}.{language}"
            lines = tqdm(iter_lines(source), desc=f"BPE {source.name}", unit=" lines", disable=not progress)
            encoded = map_lines(lambda: Segmenter(codes).encode, lines, workers=workers)
            write_lines(corpus_dir / "bpe" / source.name, encoded)


def count_words(texts: Iterable[Path], *, workers: int = 1) -> Counter[str]:
    """The number of occurrences of each word in `texts`, in the order of the first ones; one process per text."""
    counts: Counter[str] = Counter()
    for found in map_calls(_count_words, [(text,) for text in texts], workers=workers):
        counts.update(found)
    return counts


def _count_words(text: Path) -> Counter[str]:
    counts: Counter[str] = Counter()
    for line in iter_lines(text):
        counts.update(line.split())
    return counts


def learn(words: Mapping[str, int], codes: Path, merges: int, *, where: object, progress: bool = True) -> None:
    """Learn operations on counted words, in the order of their first occurrence, and write the codes file.

    Raises InputError, which names `where` they come from, for words with no pair of letters to merge.
    """
    if not any(len(word) > 1 for word in words):
        raise InputError("no word of two letters to learn from", where=where, fix="give it a training text")
    learnt = tqdm(learn_merges(words, merges), desc="BPE learning", total=merges, disable=not progress)
    write_lines(codes, itertools.chain([_VERSION], map(" ".join, learnt)))


class Segmenter:
    """subword-nmt's encoder from a codes file: `encode` gives the subwords of a line, `@@` where a word goes on.

    `glossaries` are patterns of words that are not split. A word whose result would be one of the reserved names, such
    as `<unk>`, is split after its first letter. Words are separated by any white space, as in fairseq. Raises
    InputError as `load_codes` does.
    """

    def __init__(self, codes: Path, glossaries: Iterable[str] = ()):
        self._bpe = load_codes(codes, glossaries)
        self._known = _Words(self._segment)

    def encode(self, line: str) -> str:
        """The subwords of a line."""
        return " ".join(map(self._known.__getitem__, line.split()))

    def _segment(self, word: str) -> str:
        return " ".join(_unreserved(self._bpe.segment_tokens([word])))


def _unreserved(subwords: Iterable[str]) -> Iterator[str]:
    for subword in subwords:
        if subword in RESERVED:
            yield f"{subword[0]}@@"
            subword = subword[1:]
        yield subword


def load_codes(codes: Path, glossaries: Iterable[str] = ()) -> BPE:
    """A subword-nmt encoder from a codes file.

    Raises InputError, with the line, where the file is not one: no version line, no merges, or a line that is not two
    symbols.
    """
    lines = read_lines(codes)
    if not lines or lines[0] != _VERSION:
        raise InputError(f"first line is not {_VERSION!r}", where=f"{codes}:1", fix="give a subword-nmt codes file")
    if len(lines) == 1:
        raise InputError("no merges in it", where=codes, fix="learn the codes again")
    for number, line in enumerate(lines[1:], 2):
        symbols = line.split(" ")
        if len(symbols) != 2 or not all(symbols):
            raise InputError("not two symbols", where=f"{codes}:{number}", fix="learn the codes again")
    encoder = BPE(io.StringIO("\n".join(lines) + "\n"), glossaries=list(glossaries))
    encoder.cache = _Nothing()
    return encoder


class _Words(dict):
    """A cache of the subwords of words; it is cleared when it is full, and common words soon return."""

    def __init__(self, segment):
        super().__init__()
        self._segment = segment

    def __missing__(self, word: str) -> str:
        if len(self) >= _CACHED_WORDS:
            self.clear()
        self[word] = subwords = self._segment(word)
        return subwords


class _Nothing(dict):
    """A cache that stays empty, instead of subword-nmt's, which grows with the text."""

    def __setitem__(self, word: str, subwords: tuple[str, ...]) -> None:
        pass

"""Shared vocabularies: their folders, and the encoding of texts and tasks with them.

A folder has `vocabulary.json`, `dict.txt` for fairseq and, by kind, `codes` (subword-nmt) or `encoder.json` and
`vocab.bpe` (GPT-2). All that goes through one vocabulary can go through one model.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Protocol

from janus.dictionary import SPECIAL, read_dictionary
from janus.errors import InputError
from janus.fetching.manifest import Vocabulary
from janus.fetching.opening import read_text, stem
from janus.files import atomic_writer, sha256, write_json, write_lines
from janus.records.provenance import Stopwatch, provenance
from janus.records.shapes import VOCABULARY, read_record
from janus.text.bpe import Segmenter, count_words, learn
from janus.text.gpt2_bpe import Gpt2Bpe
from janus.text.one_language import SEPARATOR
from janus.text.subwords import remove_bpe

_GPT2_FILES = ("encoder.json", "vocab.bpe", "dict.txt")


class Encoder(Protocol):
    """Lines to subwords, joined by spaces, and back."""

    def encode(self, line: str) -> str:
        """The subwords of a line."""

    def decode(self, subwords: str) -> str:
        """The line of subwords."""


class SubwordBpe:
    """subword-nmt's encoder from a codes file; the separator of sources is not split."""

    def __init__(self, codes: Path):
        self._segmenter = Segmenter(codes, glossaries=[SEPARATOR.replace("[", r"\[").replace("]", r"\]")])

    def encode(self, line: str) -> str:
        """The subwords of a line, `@@` where a word goes on."""
        return self._segmenter.encode(line)

    def decode(self, subwords: str) -> str:
        """The words of a line of subwords."""
        return remove_bpe(subwords)


def make_gpt2(vocabulary: Vocabulary, downloads: Path, out: Path) -> None:
    """Make the folder `out` of a vocabulary of kind gpt2 from its downloads.

    Raises InputError where a file is missing or the three do not belong together.
    """
    watch, out = Stopwatch(), Path(out)
    for name in _GPT2_FILES:
        with atomic_writer(out / name) as stream:
            stream.write(read_text(_download(vocabulary, Path(downloads), name)))
    Gpt2Bpe(out / "encoder.json", out / "vocab.bpe").require_dictionary(out / "dict.txt")
    _write_facts(vocabulary, out, watch)


def make_subword(
    vocabulary: Vocabulary,
    texts: Iterable[Path],
    sides: Iterable[Path],
    out: Path,
    *,
    workers: int = 1,
    progress: bool = True,
) -> None:
    """Learn a vocabulary of kind subword into the folder `out`.

    The merges are learnt on `texts`, the training files of its pre-training text; the dictionary holds the subwords
    of these and of `sides`, the training files of the tasks, so that none is unknown in training. Raises InputError
    where there is nothing to learn from.
    """
    watch, out = Stopwatch(), Path(out)
    texts = list(map(Path, texts))
    words = count_words(texts, workers=workers)
    learn(words, out / "codes", vocabulary.merges, where=texts[0], progress=progress)
    words.update(count_words(map(Path, sides), workers=workers))
    ranked = sorted(_count_subwords(SubwordBpe(out / "codes"), words).items(), key=lambda item: (-item[1], item[0]))
    write_lines(out / "dict.txt", (f"{symbol} {count}" for symbol, count in ranked))
    _write_facts(vocabulary, out, watch)


def _count_subwords(encoder: Encoder, words: Mapping[str, int]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for word, count in words.items():
        for subword in encoder.encode(word).split():
            counts[subword] += count
    return counts


def dictionary_size(folder: Path) -> int:
    """Entries of the dictionary of a model that uses a vocabulary, fairseq's four symbols (bos to unk) included."""
    return len(read_dictionary(Path(folder) / "dict.txt")) + len(SPECIAL)


def vocabulary_digest(folder: Path) -> str:
    """A digest of a vocabulary's files without its record, which contains wall times."""
    digest = hashlib.sha256()
    for path in _files(Path(folder)):
        digest.update(f"{path.name}\0{sha256(path)}\n".encode())
    return digest.hexdigest()


def load_encoder(folder: Path) -> Encoder:
    """The encoder of a vocabulary's folder. Raises InputError where the folder holds none or its files do not fit."""
    folder = Path(folder)
    kind = read_record(folder / "vocabulary.json", VOCABULARY, "kind")["kind"]
    if kind not in _LOADERS:
        raise InputError(f"unknown kind {kind!r}", where=folder / "vocabulary.json", fix="make the vocabulary again")
    return _LOADERS[kind](folder)


def decoder_of(folder: Path | None) -> Callable[[str], str]:
    """What makes text of a line of subwords of a vocabulary's folder; without one, of a BPE that marks them with @@.

    Raises InputError as `load_encoder` does.
    """
    return load_encoder(folder).decode if folder else remove_bpe


def _load_gpt2(folder: Path) -> Encoder:
    return Gpt2Bpe(folder / "encoder.json", folder / "vocab.bpe")


def _load_subword(folder: Path) -> Encoder:
    return SubwordBpe(folder / "codes")


_LOADERS: dict[str, Callable[[Path], Encoder]] = {"gpt2": _load_gpt2, "subword": _load_subword}


def _download(vocabulary: Vocabulary, downloads: Path, name: str) -> Path:
    """The download of this file, with any prefix of its name and any compression."""
    for download in vocabulary.downloads:
        if stem(Path(download.name)).name.endswith(name):
            return downloads / download.name
    raise InputError(
        f"needs a download that ends in {name!r}",
        where=f"vocabulary {vocabulary.name}",
        fix="add it to the entry in config/corpora.yaml",
    )


def _write_facts(vocabulary: Vocabulary, out: Path, watch: Stopwatch) -> None:
    facts = {
        "vocabulary": vocabulary.name,
        "kind": vocabulary.kind,
        "licence": vocabulary.licence,
        "entries": len(read_dictionary(out / "dict.txt")),
        "sha256": {path.name: sha256(path) for path in _files(out)},
    }
    write_json(out / "vocabulary.json", provenance(watch=watch, **facts))


def _files(folder: Path) -> list[Path]:
    """All files of a vocabulary except its record."""
    return sorted(path for path in folder.iterdir() if path.name != "vocabulary.json")

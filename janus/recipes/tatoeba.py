"""Tatoeba's sentence pairs with English, as manythings.org/anki publishes them: tab-separated, with their authors.

All pairs of an English sentence are in one split, which a hash of the sentence decides: its translations differ by a
word, and a test set that shares sentences with the training set tests memory.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from zipfile import ZipFile

from janus.errors import InputError
from janus.fetching.extract import extract, members
from janus.fetching.manifest import Corpus
from janus.fetching.opening import read_lines
from janus.files import one_line
from janus.text.clean import Cleaner, Pair
from janus.text.split_writer import SplitWriter
from janus.text.tokenise import lowercase, normalise, tokenise

# Of 1,000 English sentences.
_TEST, _VALID = 70, 35


def build(corpus: Corpus, downloads: Path, work: Path, out: SplitWriter, *, seed: int) -> dict[str, object]:
    """Write the splits; the returned counts are cleaning.json's. `seed` is unused: nothing here is drawn."""
    pairs: dict[str, list[Pair]] = {"train": [], "valid": [], "test": []}
    for english, other in _rows(downloads / corpus.downloads[0].name, work):
        cased = (lowercase(english), lowercase(other)) if corpus.lowercase else (english, other)
        pairs[split_of(english)].append(cased if corpus.source == "en" else cased[::-1])
    cleaner = Cleaner(longest=corpus.options.get("longest", 250))
    out.tokenised("train", cleaner(_tokenised(pairs["train"], corpus)))
    for split in ("valid", "test"):
        out.tokenised(split, _tokenised(pairs[split], corpus))
    out.raw_test(pairs["test"])
    return {"train": cleaner.report()}


def split_of(english: str) -> str:
    """The split of an English sentence, whatever its case and the white space around it."""
    digest = hashlib.blake2b(english.strip().lower().encode(), digest_size=8).digest()
    place = int.from_bytes(digest, "little") % 1000
    return "test" if place < _TEST else "valid" if place < _TEST + _VALID else "train"


def _rows(archive: Path, work: Path) -> Iterator[Pair]:
    """English and the other language of every line of the archive's text."""
    names = [name for name in members(archive) if name.endswith(".txt") and not name.startswith("_")]
    if len(names) != 1:
        fix = "fetch an archive of manythings.org/anki"
        raise InputError(f"it holds {len(names)} texts, expected one", where=archive, fix=fix)
    text = extract(archive, names, work)[names[0]]
    for number, line in enumerate(read_lines(text), 1):
        fields = line.split("\t")
        if len(fields) < 2:
            fix = "restore the download"
            raise InputError("no tab between two sentences", where=f"{archive}:{names[0]}:{number}", fix=fix)
        yield fields[0], fields[1]


def _tokenised(pairs: list[Pair], corpus: Corpus) -> Iterator[Pair]:
    for pair in pairs:
        source, target = (form(line, language, corpus) for line, language in zip(pair, corpus.sides))
        yield source, target


def form(line: str, language: str, corpus: Corpus) -> str:
    """The tokens of a line of text, as `build` prepares it."""
    # Separators that the normaliser and the tokeniser delete would glue the words beside them.
    line = one_line(line)
    return tokenise(normalise(lowercase(line) if corpus.lowercase else line, language), language)


def make_downloads(corpus: Corpus, sentences: Callable[[str, str, int], list[Pair]]) -> dict[str, bytes]:
    """For a rehearsal: the downloads by name, in their real form. sentences: made pairs of two languages."""
    other = corpus.source if corpus.target == "en" else corpus.target
    lines = [f"{english}\t{line}\tCC-BY 2.0\n" for english, line in sentences("en", other, 400)]
    stream = io.BytesIO()
    with ZipFile(stream, "w") as archive:
        archive.writestr("made.txt", "".join(lines))
        archive.writestr("_about.txt", "made\n")
    return {corpus.downloads[0].name: stream.getvalue()}

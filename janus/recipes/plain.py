"""A corpus of one's own: a pair of text files, or one pair for each split, a sentence a line.

The option `files` is their path with `{language}` and, where each split has files of its own, `{split}`. Of a single
pair the last `test` sentences are the test set and the `valid` before them the validation set, so that neighbours of a
document do not stand on both sides. Text is punctuation-normalised and Moses-tokenised unless it is `tokenised`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from janus.errors import InputError
from janus.fetching.manifest import Corpus
from janus.files import one_line
from janus.text.clean import Cleaner, Pair, read_pairs, require_text
from janus.text.split_writer import SPLITS, SplitWriter
from janus.text.tokenise import lowercase, normalise, tokenise


def build(corpus: Corpus, downloads: Path, work: Path, out: SplitWriter, *, seed: int) -> dict[str, object]:
    """Write the splits; the returned counts are cleaning.json's. The other arguments are unused: nothing is fetched."""
    cleaner = Cleaner(longest=corpus.options.get("longest", 250))
    for split, pairs in _splits(corpus).items():
        if split == "train":
            out.tokenised(split, cleaner(_prepared(pairs, corpus)))
        else:
            held_out = list(pairs)
            out.tokenised(split, _prepared(held_out, corpus))
            if split == "test":
                out.raw_test(_cased(pair, corpus) for pair in held_out)
    return {"train": cleaner.report()}


def _splits(corpus: Corpus) -> dict[str, Iterable[Pair]]:
    """The pairs of each split. Raises InputError where a single pair of files is too short for what is held out."""
    files = corpus.own_files
    if len(files) > len(corpus.sides):
        found = {}
        for split, source, target in zip(SPLITS, files[::2], files[1::2]):
            pairs = read_pairs(source, target)
            found[split] = pairs if split == "train" else require_text(pairs, source, target)
        return found
    source, target = files
    pairs = list(read_pairs(source, target))
    valid, test = (corpus.options[split] for split in ("valid", "test"))
    if valid + test >= len(pairs):
        raise InputError(
            f"{len(pairs):,} pairs cannot give {valid:,} for validation, {test:,} for the test, and some to train on",
            where=source,
            fix="lower `valid` and `test` in its options, or give each split its files: {split}.{language}",
        )
    end = len(pairs) - test
    held_out = list(require_text(pairs[end - valid :], source, target))
    return {"train": pairs[: end - valid], "valid": held_out[:valid], "test": held_out[valid:]}


def _prepared(pairs: Iterable[Pair], corpus: Corpus) -> Iterator[Pair]:
    for pair in pairs:
        source, target = (form(line, language, corpus) for line, language in zip(pair, corpus.sides))
        yield source, target


def form(line: str, language: str, corpus: Corpus) -> str:
    """The tokens of a line of text, as `build` prepares it."""
    # The normaliser and the tokeniser delete some separators, which would glue the words beside them.
    line = one_line(line)
    line = lowercase(line) if corpus.lowercase else line
    return line if corpus.options.get("tokenised") else tokenise(normalise(line, language), language)


def _cased(pair: Pair, corpus: Corpus) -> Pair:
    return (lowercase(pair[0]), lowercase(pair[1])) if corpus.lowercase else pair

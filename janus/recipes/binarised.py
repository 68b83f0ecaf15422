"""A corpus that somebody binarised: the folder that fairseq-preprocess made, with one dictionary for both sides.

Its text is recovered from the symbols. Subwords are joined to words where they end in `@@`. The untokenised test set is
read from the option `files`; without it, it is what Moses makes of the recovered tokens.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from janus.dictionary import SPECIAL, read_dictionary
from janus.errors import InputError
from janus.fetching.manifest import Corpus
from janus.files import read_lines, write_lines
from janus.text.bpe import load_codes
from janus.text.clean import Pair, read_pairs, require_text
from janus.text.indexed import iter_sentences
from janus.text.split_writer import SPLITS, SplitWriter
from janus.text.subwords import remove_bpe
from janus.text.tokenise import detokenise, lowercase, tokenise


def build(corpus: Corpus, downloads: Path, work: Path, out: SplitWriter, *, seed: int) -> dict[str, object]:
    """Write the splits; the returned counts are cleaning.json's. The other arguments are unused: nothing is fetched."""
    counts: dict[str, object] = {}
    for split in SPLITS:
        unknown = 0
        for pair in _pairs(corpus, split):
            unknown += sum(side.split().count("<unk>") for side in pair)
            words = remove_bpe(pair[0]), remove_bpe(pair[1])
            out.tokenised(split, [words])
            if split == "test" and not corpus.options.get("files"):
                out.raw_test([(detokenise(words[0], corpus.source), detokenise(words[1], corpus.target))])
        counts[split] = {"unknown": unknown}
    if files := _named(corpus):
        pairs = require_text(read_pairs(*files), *files)
        out.raw_test((lowercase(a), lowercase(b)) if corpus.lowercase else (a, b) for a, b in pairs)
    return {"recovered": counts}


def form(line: str, language: str, corpus: Corpus) -> str:
    """A line of anybody's text as tokens. How the binarised text was tokenised is not known; this is Moses' way."""
    return tokenise(lowercase(line) if corpus.lowercase else line, language)


def recover(corpus: Corpus, out: Path) -> None:
    """Write <split>.<side> of the subwords to `out`, and the codes file if the corpus names one.

    Raises InputError as `load_codes` does.
    """
    for split in SPLITS:
        for side in corpus.sides:
            write_lines(out / f"{split}.{side}", iter_sentences(_prefix(corpus, split, side), _symbols(corpus)))
    if codes := corpus.options.get("codes"):
        load_codes(corpus.home / codes)
        write_lines(out / "codes", read_lines(corpus.home / codes))


def _pairs(corpus: Corpus, split: str) -> Iterator[Pair]:
    """The pairs of a split, as subwords. Raises InputError for sides of different lengths."""
    sides = [list(iter_sentences(_prefix(corpus, split, side), _symbols(corpus))) for side in corpus.sides]
    if len(sides[0]) != len(sides[1]):
        raise InputError(
            f"{len(sides[0]):,} sentences, the other side has {len(sides[1]):,}",
            where=_prefix(corpus, split, corpus.source),
            fix="binarise both sides of the split again",
        )
    yield from zip(*sides, strict=True)


def _symbols(corpus: Corpus) -> list[str]:
    """The symbols of the joint dictionary. Raises InputError for two different ones, and for other subwords."""
    paths = [corpus.home / corpus.bin / f"dict.{side}.txt" for side in corpus.sides]
    found = [[*SPECIAL, *read_dictionary(path)] for path in paths]
    if found[0] != found[1]:
        raise InputError(
            f"is not the dictionary of {paths[1].name}",
            where=paths[0],
            fix="binarise with --joined-dictionary: all embeddings are shared here",
        )
    if any("▁" in symbol for symbol in found[0]):
        raise InputError(
            "has SentencePiece's subwords", where=paths[0], fix="binarise text whose subwords end in @@ (subword-nmt)"
        )
    return found[0]


def _prefix(corpus: Corpus, split: str, side: str) -> Path:
    return corpus.home / corpus.bin / f"{split}.{corpus.source}-{corpus.target}.{side}"


def _named(corpus: Corpus) -> list[Path]:
    pattern = corpus.options.get("files", "")
    return [corpus.home / pattern.replace("{language}", side) for side in corpus.sides] if pattern else []

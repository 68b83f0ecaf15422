"""Outputs that somebody else made, brought into the form in which the suite's own are scored: subwords."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from janus.errors import InputError
from janus.files import read_lines, sha256, write_json, write_lines
from janus.records.provenance import Stopwatch, provenance
from janus.text.bpe import Segmenter
from janus.text.marks import attached_marks
from janus.text.tokenise_alike import cased, tokenise_alike
from janus.text.vocabulary import load_encoder


def take_outputs(
    *,
    given: Path,
    tokenised: bool,
    references: Path,
    raw_references: Path,
    output: Path,
    language: str,
    folded: bool,
    codes: Path | None = None,
    vocabulary: Path | None = None,
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Write given outputs in the subwords of their corpus, and a record to `output` + ".json".

    given: one output a line, which may be empty. Text that is not `tokenised` is tokenised as the references were
    (`tokenise_alike`). folded: the corpus is lower-cased, and so are the outputs then. codes, vocabulary: the corpus's
    own BPE, or the folder of its shared vocabulary; words are left whole without either. Raises InputError, writing
    nothing, for a number of lines other than that of the references, for subwords among the given words, and for text
    that is plainly not of the said form.
    """
    watch = Stopwatch()
    lines, gold = read_lines(given), read_lines(references)
    _check(lines, gold, given, references, tokenised=tokenised, language=language)
    if tokenised:
        words, how = [" ".join(line.split()) for line in cased(lines, folded)], {"tokenised": "as given"}
    else:
        how_made = {"raw": raw_references, "tokens": references, "language": language, "folded": folded}
        words, how = tokenise_alike(lines, **how_made, where=given)
    write_lines(output, encoded(words, codes=codes, vocabulary=vocabulary))
    record = {
        **(facts or {}),
        "given": {"kind": "outputs", "file": given.name, "sha256": sha256(given)},
        **how,
        "sentences": len(words),
        "references": sha256(references),
    }
    write_json(output.with_name(output.name + ".json"), provenance(watch=watch, **record))


def encoded(words: Sequence[str], *, codes: Path | None, vocabulary: Path | None) -> list[str]:
    """Lines of words in the subwords of a shared vocabulary or of a codes file; as they are without either."""
    if vocabulary:
        encode = load_encoder(vocabulary).encode
    elif codes and codes.is_file():
        encode = Segmenter(codes).encode
    else:
        return list(words)
    return [encode(line) for line in words]


def _check(
    lines: Sequence[str], gold: Sequence[str], given: Path, references: Path, *, tokenised: bool, language: str
) -> None:
    if len(lines) != len(gold):
        raise InputError(
            f"{len(lines):,} lines, the test set has {len(gold):,}",
            where=given,
            fix=f"give one output a line, empty where there is none, in the order of {references}",
        )
    for number, line in enumerate(lines, 1):
        if any(word.endswith("@@") for word in line.split()):
            raise InputError(
                "subwords (@@) among the words", where=f"{given}:{number}", fix="join them: sed 's/@@ //g'"
            )
    attached, alone = attached_marks(lines, language)
    # Abbreviations end in a mark in tokenised text too.
    if tokenised and attached > 2 * alone:
        raise InputError(
            f"said to be tokenised, but {attached:,} words end in a mark of punctuation and {alone:,} stand alone",
            where=given,
            fix="write `tokenised: false`, or tokenise the file",
        )
    if not tokenised and alone > 2 * attached:
        raise InputError(
            f"said to be plain text, but {alone:,} marks of punctuation stand alone and {attached:,} end a word",
            where=given,
            fix="write `tokenised: true`, or detokenise the file",
        )

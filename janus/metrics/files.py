"""Scores of a decoded file, from file to file, with their provenance."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from janus.errors import InputError
from janus.files import read_lines, sha256, write_json
from janus.metrics.lines import check_lines
from janus.metrics.significance import compare_outputs
from janus.metrics.translation import score_translation
from janus.metrics.validity import Verdict, score_validity
from janus.records.provenance import Stopwatch, provenance
from janus.text.subwords import remove_bpe


def score_file(
    *,
    hypotheses: Path,
    references: Path,
    raw_references: Path,
    output: Path,
    language: str,
    lowercase: bool,
    plain: Path | None = None,
    sources: Path | None = None,
    check: Callable[[str, str], Verdict] | None = None,
    facts: dict[str, Any] | None = None,
) -> None:
    """Score a decoded file and write {"scores": {name: {"value", "signature"}}, "provenance"} as JSON.

    `hypotheses` holds BPE, `references` and `sources` are tokenised without BPE, `raw_references` untokenised.
    `plain` are the hypotheses as text that was never tokenised; sacreBLEU and chrF++ are counted on them.
    `check`, which needs `sources`, adds the shares of valid and of mixed outputs. `facts` join the provenance.
    Raises InputError, naming the file, if one is missing, is not UTF-8 or does not have one line per hypothesis, and
    for an empty reference.
    """
    watch = Stopwatch()
    subwords = read_lines(hypotheses)
    words = [remove_bpe(line) for line in subwords]
    gold, raw = read_lines(references), read_lines(raw_references)
    written = read_lines(plain) if plain else None
    places = {"hypotheses": hypotheses, "references": references, "raw_references": raw_references}
    check_lines(words, places=places, references=gold, raw_references=raw)
    scores = score_translation(
        words,
        gold,
        raw,
        language=language,
        lowercase=lowercase,
        subwords=subwords,
        plain=written,
    )
    if check is not None:
        if sources is None:
            raise InputError("a check needs the sources", where=hypotheses, fix="give `sources`")
        scores |= score_validity(read_lines(sources), words, check)
    inputs = {"hypotheses": sha256(hypotheses), "references": sha256(references)}
    inputs |= {"plain": sha256(plain)} if plain else {}
    write_json(output, {"scores": scores, "provenance": provenance(watch=watch, **(facts or {}), inputs=inputs)})


def compare_files(
    *, baseline: Path, system: Path, references: Path, output: Path, facts: dict[str, Any] | None = None
) -> None:
    """Write both tests of two decoded files (BPE) against tokenised references, with provenance, as JSON.

    Raises InputError as `score_file` does.
    """
    watch = Stopwatch()
    gold = read_lines(references)
    sides = [[remove_bpe(line) for line in read_lines(path)] for path in (baseline, system)]
    for path, side in zip((baseline, system), sides):
        check_lines(side, places={"hypotheses": path, "references": references}, references=gold)
    result = compare_outputs(*sides, gold)
    inputs = {"baseline": sha256(baseline), "system": sha256(system), "references": sha256(references)}
    write_json(output, {**result, "provenance": provenance(watch=watch, **(facts or {}), inputs=inputs)})

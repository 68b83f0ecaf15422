"""Scores of a decoded file, from file to file, with their provenance."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from janus.errors import InputError
from janus.files import read_lines, sha256, write_json
from janus.metrics.significance import paired_bootstrap
from janus.metrics.translation import remove_bpe, score_translation
from janus.metrics.validity import Verdict, score_validity
from janus.provenance import Stopwatch, provenance


def score_file(
    *,
    hypotheses: Path,
    references: Path,
    raw_references: Path,
    output: Path,
    language: str,
    lowercase: bool,
    sources: Path | None = None,
    check: Callable[[str, str], Verdict] | None = None,
    facts: dict[str, Any] | None = None,
) -> None:
    """Score a decoded file and write {"scores": {name: {"value", "signature"}}, "provenance"} as JSON.

    `hypotheses` holds BPE, `references` and `sources` are tokenised without BPE, `raw_references` untokenised.
    `check`, which needs `sources`, adds the shares of valid and of mixed outputs. `facts` join the provenance.
    Raises InputError for a missing file, for text that is not UTF-8 and for unequal line counts.
    """
    watch = Stopwatch()
    subwords = read_lines(hypotheses)
    words = remove_bpe(subwords)
    scores = score_translation(
        words,
        read_lines(references),
        read_lines(raw_references),
        language=language,
        lowercase=lowercase,
        subwords=subwords,
    )
    if check is not None:
        if sources is None:
            raise InputError("a check needs the sources", where=hypotheses, mend="give `sources`")
        scores |= score_validity(read_lines(sources), words, check)
    inputs = {"hypotheses": sha256(hypotheses), "references": sha256(references)}
    write_json(output, {"scores": scores, "provenance": provenance(watch=watch, **(facts or {}), inputs=inputs)})


def compare_files(
    *, baseline: Path, system: Path, references: Path, output: Path, facts: dict[str, Any] | None = None
) -> None:
    """Write the paired bootstrap of two decoded files (BPE) against tokenised references, with provenance, as JSON."""
    watch = Stopwatch()
    sides = (remove_bpe(read_lines(path)) for path in (baseline, system))
    result = paired_bootstrap(*sides, read_lines(references))
    inputs = {"baseline": sha256(baseline), "system": sha256(system), "references": sha256(references)}
    write_json(output, {**result, "provenance": provenance(watch=watch, **(facts or {}), inputs=inputs)})

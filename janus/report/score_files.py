"""Score files, as `janus.metrics.files.score_file` and its like write them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from janus.errors import InputError
from janus.records.shapes import SCORES, read_record


def scores_in(path: Path) -> Mapping[str, Any]:
    """Every score of a file, {"value", "signature"} by metric. Raises InputError for a file without scores."""
    fix = "score the decoded file again"
    scores = read_record(path, SCORES, "scores", fix=fix)["scores"]
    if not scores:
        raise InputError("contains no scores", where=path, fix=fix)
    return scores


def score_in(path: Path, metric: str) -> Mapping[str, Any]:
    """One score of a file. Raises InputError where it has none of that metric."""
    found = scores_in(path)
    if metric not in found:
        raise InputError(f"no metric {metric!r}", where=path, fix=f"choose from: {', '.join(found)}")
    return found[metric]

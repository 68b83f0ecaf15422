"""From the score files of single runs to one record a cell: the mean over seeds, its interval, its test."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from janus.errors import InputError
from janus.files import atomic_writer, read_json
from janus.metrics.intervals import mean_interval
from janus.report.csvfile import to_csv
from janus.report.ledger import REPRODUCED_COLUMNS, Reproduced


def collect(cells: Iterable[Mapping[str, Any]]) -> list[Reproduced]:
    """One record for each cell and metric.

    A cell is a mapping of

    - `table`, `row`, `variant`, `column`: its place, `variant` being the label of the system that fills the row;
    - `score_files`: {seed: path of a file written by `janus.metrics.files.score_file`};
    - `metric`: a name, a list of names, or None for every metric of the files;
    - `significance_files` (optional): {seed: path of a file written by `compare_files`}, tests of `bleu_tok`, which
      alone carries them;
    - `baseline` (optional): the label of the system it was tested against.

    Of several seeds' tests the largest p counts, or 1 where the seeds disagree on who is better. Raises InputError for
    a missing file or metric.
    """
    return [record for cell in cells for record in _records(cell)]


def write_reproduced(records: Sequence[Reproduced], path: Path) -> None:
    """Write the records as the CSV that `janus.report.ledger.load_reproduced` reads."""
    with atomic_writer(path) as stream:
        stream.write(to_csv(REPRODUCED_COLUMNS, (asdict(record) for record in records)))


def _records(cell: Mapping[str, Any]) -> list[Reproduced]:
    files = {seed: Path(path) for seed, path in sorted(cell["score_files"].items())}
    scores = {path: _scores(path) for path in files.values()}
    return [_record(cell, metric, files, scores) for metric in _metrics(cell.get("metric"), scores)]


def _record(
    cell: Mapping[str, Any], metric: str, files: Mapping[Any, Path], scores: Mapping[Path, Mapping[str, Any]]
) -> Reproduced:
    for path, found in scores.items():
        if metric not in found:
            raise InputError(f"no metric {metric!r}", where=path, mend=f"choose of: {', '.join(found)}")
    interval = mean_interval([found[metric]["value"] for found in scores.values()])
    tested = metric == "bleu_tok" and cell.get("significance_files")
    p_value, delta = _significance(cell["significance_files"].values()) if tested else (None, None)
    return Reproduced(
        table=int(cell["table"]),
        row=cell["row"],
        variant=cell["variant"],
        column=cell["column"],
        metric=metric,
        value=interval.mean,
        half_width=interval.half_width,
        seeds=interval.count,
        p_value=p_value,
        delta=delta,
        baseline=cell.get("baseline", "") if tested else "",
        signature=next(iter(scores.values()))[metric]["signature"],
        provenance=" ".join(str(path) for path in files.values()),
    )


def _scores(path: Path) -> Mapping[str, Any]:
    record = read_json(path)
    if not isinstance(record, Mapping) or not record.get("scores"):
        raise InputError("holds no scores", where=path, mend="score the decoded file again")
    return record["scores"]


def _metrics(wanted: str | Sequence[str] | None, scores: Mapping[Path, Mapping[str, Any]]) -> list[str]:
    if wanted is None:
        return list(next(iter(scores.values()), {}))
    return [wanted] if isinstance(wanted, str) else list(wanted)


def _significance(paths: Iterable[Path]) -> tuple[float, float]:
    tests = [read_json(path) for path in paths]
    deltas = [test["delta"] for test in tests]
    agree = all(delta > 0 for delta in deltas) or all(delta < 0 for delta in deltas)
    return max(test["p_value"] for test in tests) if agree else 1.0, sum(deltas) / len(deltas)

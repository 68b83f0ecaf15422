"""From the score files of single runs to one record a cell: the mean over seeds, its interval, its test."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from janus.errors import InputError
from janus.files import atomic_writer, read_json
from janus.metrics.intervals import mean_interval
from janus.report.csvfile import to_csv
from janus.report.ledger import REPRODUCED_COLUMNS, Reproduced
from janus.report.names import compared_metric
from janus.report.speeds import latency, protocol


def collect(cells: Iterable[Mapping[str, Any]]) -> list[Reproduced]:
    """One record for each cell and metric.

    A cell is a mapping of

    - `table`, `row`, `variant`, `column`: its place, `variant` being the label of the system that fills the row;
    - `score_files`: {seed: path of a file written by `janus.metrics.files.score_file`};
    - `metric`: a name, a list of names, or None for every metric of the files;
    - `significance_files` (optional): {seed: path of a file written by `compare_files` or `compare_task_files`}, tests
      of the metric that `names.compared_metric` gives, which alone carries them;
    - `baseline` (optional): the label of the system it was tested against;
    - `iterations` (optional): the paper's Iter of the decoding, passes - 1;
    - `latency` (optional): {"files": {seed: path of a file written by `janus.decoding.latency`}, "manner", "passes",
      "baseline": None or {"label" and the same three}}. It adds the metrics `latency` and, with a baseline, `speedup`:
      the baseline's latency over its own, seed by seed.

    Of several seeds' tests the largest p counts, or 1 where the seeds disagree on who is better. Raises InputError for
    a missing file or metric.
    """
    return [record for cell in cells for record in _records(cell)]


def write_reproduced(records: Sequence[Reproduced], path: Path) -> None:
    """Write the records as the CSV that `janus.report.ledger.load_reproduced` reads."""
    with atomic_writer(path) as stream:
        stream.write(to_csv(REPRODUCED_COLUMNS, (asdict(record) for record in records)))


def _records(cell: Mapping[str, Any]) -> list[Reproduced]:
    files = _by_seed(cell["score_files"])
    scores = {path: _scores(path) for path in files.values()}
    records = [_score(cell, metric, scores) for metric in _metrics(cell.get("metric"), scores)]
    if cell.get("iterations") is not None:
        records.append(_record(cell, "iterations", [cell["iterations"]], "decoder passes - 1", files.values()))
    return records + (_speeds(cell, cell["latency"]) if cell.get("latency") else [])


def _score(cell: Mapping[str, Any], metric: str, scores: Mapping[Path, Mapping[str, Any]]) -> Reproduced:
    for path, found in scores.items():
        if metric not in found:
            raise InputError(f"no metric {metric!r}", where=path, mend=f"choose of: {', '.join(found)}")
    tests = cell.get("significance_files") if metric == compared_metric(cell["table"]) else None
    p_value, delta = _significance(tests.values()) if tests else (None, None)
    values = [found[metric]["value"] for found in scores.values()]
    signature = next(iter(scores.values()))[metric]["signature"]
    record = _record(cell, metric, values, signature, scores)
    return replace(record, p_value=p_value, delta=delta, baseline=cell.get("baseline", "") if tests else "")


def _speeds(cell: Mapping[str, Any], measured: Mapping[str, Any]) -> list[Reproduced]:
    files, own = _latencies(measured)
    records = [_record(cell, "latency", list(own.values()), protocol(files), files)]
    if measured["baseline"]:
        base_files, base = _latencies(measured["baseline"])
        if base.keys() != own.keys():
            raise InputError(
                f"seeds {', '.join(map(str, own))} against {', '.join(map(str, base))} of the baseline",
                where=files[0],
                mend="measure both with the same seeds",
            )
        ratios = [base[seed] / own[seed] for seed in own]
        signature = f"latency of {measured['baseline']['label']} / its own"
        records.append(_record(cell, "speedup", ratios, signature, [*files, *base_files]))
    return records


def _latencies(measured: Mapping[str, Any]) -> tuple[list[Path], dict[Any, float]]:
    files = _by_seed(measured["files"])
    values = {seed: latency(path, measured["manner"], measured["passes"]) for seed, path in files.items()}
    return list(files.values()), values


def _record(
    cell: Mapping[str, Any], metric: str, values: Sequence[float], signature: str, files: Iterable[Path]
) -> Reproduced:
    """A record without a test."""
    interval = mean_interval(values)
    return Reproduced(
        table=int(cell["table"]),
        row=cell["row"],
        variant=cell["variant"],
        column=cell["column"],
        metric=metric,
        value=interval.mean,
        half_width=interval.half_width,
        seeds=interval.count,
        p_value=None,
        delta=None,
        baseline="",
        signature=signature,
        provenance=" ".join(dict.fromkeys(map(str, files))),
    )


def _by_seed(files: Mapping[Any, Path | str]) -> dict[Any, Path]:
    return {seed: Path(path) for seed, path in sorted(files.items())}


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

"""From the score files of single runs to one record per cell: the mean over seeds, its interval, its tests."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from janus.errors import InputError
from janus.metrics.intervals import mean_interval
from janus.records.shapes import TESTS, read_record
from janus.report.ledger import Comparison, Reproduced
from janus.report.paper_tables import PAPER_TABLES
from janus.report.score_files import score_in, scores_in
from janus.report.speeds import latency, protocol

_TESTS = ("p_bootstrap", "p_randomisation")


def collect(cells: Iterable[Mapping[str, Any]]) -> list[Reproduced]:
    """One record per cell and metric.

    A cell is a mapping of

    - `table`, `row`, `variant`, `column`: its place, `variant` being the label of the system that fills the row;
    - `score_files`: {seed: path of a file written by `janus.metrics.files.score_file`};
    - `metric`: a name, a list of names, or None for every metric of the files;
    - `comparisons` (optional): a list of {"against": the label of the row it was tested against, "step": whether it
      adds to that row, "files": {seed: path of a file written by `compare_files` or `compare_task_files`}}, tests of
      the metric that the table tests, the only one with tests;
    - `tested` (optional): the metric that is tested, where the table is none of the paper's;
    - `iterations` (optional): the paper's Iter of the decoding;
    - `latency` (optional): {"files": {seed: path of a file written by `janus.decoding.latency`}, "manner", "passes",
      "baseline": None or {"label" and the same three}}. It adds the metrics `latency` and, with a baseline, `speedup`:
      the baseline's latency over its own, seed by seed.

    Of the tests of several seeds the largest p counts, or 1 if the seeds disagree on which is better. Raises InputError
    for a missing file or metric.
    """
    return [record for cell in cells for record in _records(cell)]


def _records(cell: Mapping[str, Any]) -> list[Reproduced]:
    files = _by_seed(cell["score_files"])
    scores = {path: scores_in(path) for path in files.values()}
    records = [_score(cell, metric, scores) for metric in _metrics(cell.get("metric"), scores)]
    if cell.get("iterations") is not None:
        records.append(_record(cell, "iterations", [cell["iterations"]], "decoder passes - 1", files.values()))
    return records + (_speeds(cell, cell["latency"]) if cell.get("latency") else [])


def _score(cell: Mapping[str, Any], metric: str, scores: Mapping[Path, Mapping[str, Any]]) -> Reproduced:
    tested = cell.get("comparisons", ()) if metric == _tested(cell) else ()
    found = [score_in(path, metric) for path in scores]
    record = _record(cell, metric, [one["value"] for one in found], found[0]["signature"], scores)
    return replace(record, comparisons=tuple(_comparison(one) for one in tested if one["files"]))


def _tested(cell: Mapping[str, Any]) -> str:
    """The metric whose tests a cell has: its own, or that of the paper's table."""
    return cell["tested"] if "tested" in cell else PAPER_TABLES[cell["table"]].tested


def _speeds(cell: Mapping[str, Any], measured: Mapping[str, Any]) -> list[Reproduced]:
    files, own = _latencies(measured)
    records = [_record(cell, "latency", list(own.values()), protocol(files), files)]
    if measured["baseline"]:
        base_files, base = _latencies(measured["baseline"])
        if len(base) > 1 and len(own) > 1 and base.keys() != own.keys():
            raise InputError(
                f"seeds {', '.join(map(str, own))} against {', '.join(map(str, base))} of the baseline",
                where=files[0],
                fix="measure both with the same seeds",
            )
        # Of a given checkpoint there may be a single run, whatever the seeds of the others.
        ratios = [base.get(seed, next(iter(base.values()))) / speed for seed, speed in own.items()]
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
    """A record without tests."""
    interval = mean_interval(values)
    return Reproduced(
        table=cell["table"],
        row=cell["row"],
        variant=cell["variant"],
        column=cell["column"],
        metric=metric,
        value=interval.mean,
        half_width=interval.half_width,
        seeds=interval.count,
        comparisons=(),
        signature=signature,
        provenance=" ".join(dict.fromkeys(map(str, files))),
    )


def _by_seed(files: Mapping[Any, Path | str]) -> dict[Any, Path]:
    return {seed: Path(path) for seed, path in sorted(files.items())}


def _metrics(wanted: str | Sequence[str] | None, scores: Mapping[Path, Mapping[str, Any]]) -> list[str]:
    if wanted is None:
        return list(next(iter(scores.values()), {}))
    return [wanted] if isinstance(wanted, str) else list(wanted)


def _comparison(tested: Mapping[str, Any]) -> Comparison:
    tests = [_test(Path(path)) for path in tested["files"].values()]
    deltas = [test["delta"] for test in tests]
    agree = all(delta > 0 for delta in deltas) or all(delta < 0 for delta in deltas)
    largest = {name: max(test[name] for test in tests) if agree else 1.0 for name in _TESTS}
    return Comparison(tested["against"], tested["step"], sum(deltas) / len(deltas), **largest)


def _test(path: Path) -> Mapping[str, Any]:
    return read_record(path, TESTS, *TESTS, fix="remove it and compare again")

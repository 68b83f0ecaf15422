"""The cells of the generation tables, whose columns are metrics, that the runs of a tier fill, and their files.

In these tables a row is a system decoded in one way, with one file of all its scores, and each column shows another
metric (`paper_tables`). So there is one cell per row; its `column` is the corpus until the table assigns the records to
columns.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from janus.errors import InputError
from janus.iterations import iteration_of
from janus.report.cells import Cell, Files, OriginOf, ScoreFiles, opponents, row_of
from janus.report.paper_tables import PAPER_TABLES

# (corpus, system) -> {seed: path of its latency.json}
LatencyFiles = Callable[[str, str], Files]
# (corpus, system, manner, passes or None for AR, baseline) -> {seed: path of the comparison}
TaskComparisonFiles = Callable[[str, str, str, int | None, str], Files]
# (corpus, floor) -> path of the floor's score file
FloorFile = Callable[[str, str], str]

FLOORS = {
    "unrelated": "floor: another example's reply",
    "dull": "floor: the most frequent reply",
    "copy": "floor: the turn before, repeated",
}
_NO_MODEL = "no model"


def generation_cells(
    number: int,
    table: Mapping[str, Any],
    systems: Mapping[str, Mapping[str, Any]],
    *,
    score_files: ScoreFiles,
    latency_files: LatencyFiles,
    comparison_files: TaskComparisonFiles,
    origin_of: OriginOf,
) -> list[Cell]:
    """The cells of a table of metrics, in the form of janus.report.collect: every decoding of every system.

    NAR is decoded with each of the table's `passes`. In tables with speeds, a cell contains its latency files and, with
    a `baseline`, those of the baseline's AR manner, which the speed-up is relative to. A row is tested against the
    system's `opponents` of its manner with the same decoding. Raises InputError for a `baseline` without an AR manner,
    and if two decodings with the same label fill the same row.
    """
    corpus, baseline = table["corpus"], _baseline(number, table, systems, latency_files)
    cells: dict[tuple[str, str], Cell] = {}
    for name, manner, passes in _ways(table, systems):
        row, label = row_of(systems[name], number, manner, passes), systems[name]["label"]
        if (row, label) in cells:
            raise InputError(
                f"row {row!r} is filled twice by {label!r}",
                where=f"table{number}, system {name}",
                fix="give its entries under `published` their `passes`, or another label",
            )
        cells[row, label] = {
            "table": number,
            "row": row,
            "variant": label,
            "column": corpus,
            "metric": None,
            "score_files": score_files(corpus, name, manner, passes),
            "origin": origin_of(corpus, name, manner, passes),
            "comparisons": [
                {
                    "against": systems[other]["label"],
                    "step": step,
                    "files": comparison_files(corpus, name, manner, passes, other),
                    "origin": origin_of(corpus, other, manner, passes),
                }
                for other, step in opponents(name, manner, table["systems"], systems)
            ],
        }
        if PAPER_TABLES[number].timed:
            speed = {"files": latency_files(corpus, name), "manner": manner, "passes": passes, "baseline": baseline}
            cells[row, label] |= {
                "iterations": None if passes is None else iteration_of(passes),
                "latency": speed if speed["files"] else None,
            }
    return list(cells.values())


def floor_cells(number: int, table: Mapping[str, Any], *, floor_file: FloorFile) -> list[Cell]:
    """The additional rows of a table with `floors`: trivial replies (`janus.metrics.trivial_baselines`)."""
    return [
        {
            "table": number,
            "row": row,
            "variant": _NO_MODEL,
            "column": table["corpus"],
            "metric": None,
            "score_files": {1: floor_file(table["corpus"], floor)},
        }
        for floor, row in FLOORS.items()
    ]


def _ways(table: Mapping[str, Any], systems: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str, int | None]]:
    """(system, manner, passes) of each decoding, in the order of the table's systems."""
    for name in table["systems"]:
        for manner in systems[name]["manners"]:
            passes: Sequence[int | None] = table["passes"] if manner == "nar" else [None]
            for count in passes:
                yield name, manner, count


def _baseline(
    number: int, table: Mapping[str, Any], systems: Mapping[str, Mapping[str, Any]], latency_files: LatencyFiles
) -> dict[str, Any] | None:
    name = table.get("baseline")
    if name is None or not PAPER_TABLES[number].timed:
        return None
    if "ar" not in systems[name]["manners"]:
        raise InputError(
            f"baseline {name!r} does not decode left to right", where=f"table{number}", fix="name a system that does"
        )
    files = latency_files(table["corpus"], name)
    return {"label": systems[name]["label"], "files": files, "manner": "ar", "passes": None}

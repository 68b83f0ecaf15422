"""Which cells of the tables of generation (2, 4, 5, 7, 8) the runs of a tier fill, and with which files.

Here a row is a system decoded in one way, with one file of all its scores, and each column prints another metric of it
(`names.SHOWN`). So there is one cell a row; its `column` is the corpus until the table puts each record in its own.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from janus.errors import InputError
from janus.report.cells import Cell, Files, ScoreFiles, row_of

# (corpus, system) -> {seed: path of its latency.json}
LatencyFiles = Callable[[str, str], Files]
# (corpus, system, manner, passes or None for AR, baseline) -> {seed: path of the comparison}
TaskComparisonFiles = Callable[[str, str, str, int | None, str], Files]
# (corpus, floor) -> path of the floor's score file
FloorFile = Callable[[str, str], str]

# The tables that end in latency and speed-up.
TIMED = (2, 4, 5)

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
) -> list[Cell]:
    """The cells of Table 2, 4, 5, 7 or 8, as janus.report.collect takes them: every way of decoding of every system.

    NAR is decoded with each of the table's `passes`. In the tables that show speeds, a cell holds where its latency was
    measured and, with a `baseline`, that of the baseline's AR manner, which the speed-up is against. A row is tested
    against the system's own baseline of its manner, decoded alike, where that stands in the table too. Raises
    InputError for a `baseline` without an AR manner, and where two decodings of one label claim the same row.
    """
    corpus, baseline = table["corpus"], _baseline(number, table, systems, latency_files)
    cells: dict[tuple[str, str], Cell] = {}
    for name, manner, passes in _ways(table, systems):
        row, label = row_of(systems[name], number, manner, passes), systems[name]["label"]
        if (row, label) in cells:
            raise InputError(
                f"row {row!r} is filled twice by {label!r}",
                where=f"table{number}, system {name}",
                mend="give its entries under `published` their `passes`, or another label",
            )
        cells[row, label] = {
            "table": number,
            "row": row,
            "variant": label,
            "column": corpus,
            "metric": None,
            "score_files": score_files(corpus, name, manner, passes),
        }
        tested_against = systems[name]["baselines"].get(manner)
        if tested_against in table["systems"]:
            cells[row, label]["baseline"] = systems[tested_against]["label"]
            cells[row, label]["significance_files"] = comparison_files(corpus, name, manner, passes, tested_against)
        if number in TIMED:
            speed = {"files": latency_files(corpus, name), "manner": manner, "passes": passes, "baseline": baseline}
            cells[row, label] |= {"iterations": None if passes is None else passes - 1, "latency": speed}
    return list(cells.values())


def floor_cells(table: Mapping[str, Any], *, floor_file: FloorFile) -> list[Cell]:
    """The rows that Table 5 gains: replies that answer nothing (`janus.metrics.floors`)."""
    return [
        {
            "table": 5,
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
    if name is None or number not in TIMED:
        return None
    if "ar" not in systems[name]["manners"]:
        raise InputError(
            f"baseline {name!r} does not decode left to right", where=f"table{number}", mend="name a system that does"
        )
    files = latency_files(table["corpus"], name)
    return {"label": systems[name]["label"], "files": files, "manner": "ar", "passes": None}

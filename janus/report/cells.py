"""Which cells of the paper's tables the runs of a tier fill, and with which files."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Files = dict[int, str]
# (corpus, system, manner, passes or None for the tier's) -> {seed: path of the score file}
ScoreFiles = Callable[[str, str, str, int | None], Files]
# (corpus, system, manner, baseline) -> {seed: path of the comparison}
ComparisonFiles = Callable[[str, str, str, str], Files]
# (corpus, system) -> decoder passes of mask-predict
Passes = Callable[[str, str], int]
Cell = dict[str, Any]


def bleu_cells(
    number: int,
    table: Mapping[str, Any],
    systems: Mapping[str, Mapping[str, Any]],
    *,
    score_files: ScoreFiles,
    comparison_files: ComparisonFiles,
    passes: Passes,
) -> list[Cell]:
    """The cells of Table 1 or 6, as janus.report.collect takes them: every system on every corpus in each manner.

    Table 6 has a column for each manner of a corpus; Table 1 has rows for them, and NAR rows say their iterations. A
    system is tested against its baseline where that stands in the table too.
    """
    cells = []
    for corpus, column in table["columns"].items():
        for name in table["systems"]:
            system = systems[name]
            for manner in system["manners"]:
                cell = {
                    "table": number,
                    "row": row_of(system, number, manner),
                    "variant": system["label"],
                    "column": column_name(column) + (f" {manner.upper()}" if number == 6 else ""),
                    "metric": None,
                    "score_files": score_files(corpus, name, manner, None),
                }
                if number == 1 and manner == "nar":
                    cell["iterations"] = passes(corpus, name) - 1
                baseline = system["baselines"].get(manner)
                if baseline in table["systems"]:
                    cell["baseline"] = systems[baseline]["label"]
                    cell["significance_files"] = comparison_files(corpus, name, manner, baseline)
                cells.append(cell)
    return cells


def repetition_cells(
    table: Mapping[str, Any], systems: Mapping[str, Mapping[str, Any]], *, score_files: ScoreFiles
) -> list[Cell]:
    """The cells of Table 3: every system after each number of passes; k+1 passes are the paper's Iter k."""
    return [
        {
            "table": 3,
            "row": row_of(systems[name], 3, "nar"),
            "variant": systems[name]["label"],
            "column": f"Iter={passes - 1}",
            "metric": None,
            "score_files": score_files(table["corpus"], name, "nar", passes),
        }
        for name in table["systems"]
        for passes in table["passes"]
    ]


def row_of(system: Mapping[str, Any], number: int, manner: str, passes: int | None = None) -> str:
    """The published row a system stands beside in a table, or a row of its own, named by its label.

    A published row that names `passes` takes those alone. A row of its own carries the manner where the table's rows
    hold one manner each, which Tables 3 and 6 do not, and where `passes` are given the paper's Iter, passes - 1.
    """
    for place in system["published"]:
        if place["table"] == number and place["manner"] == manner and place.get("passes") in (None, passes):
            return place["row"]
    if number in (3, 6):
        return system["label"]
    row = f"{system['label'].removesuffix(f' {manner.upper()}')} {manner.upper()}"
    return row if passes is None else f"{row} iter {passes - 1}"


def column_name(column: str | Mapping[str, str]) -> str:
    """The head of a column: the published one, or `new` where the paper has none."""
    return column if isinstance(column, str) else column["new"]


def added_rows(number: int, cells: Sequence[Cell], systems: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The rows of `cells` that no system's `published` names, in order."""
    named = {place["row"] for system in systems.values() for place in system["published"] if place["table"] == number}
    return [row for row in dict.fromkeys(cell["row"] for cell in cells) if row not in named]


def added_columns(number: int, table: Mapping[str, Any]) -> list[str]:
    """The columns that a table's config adds to the published ones: those declared `new`, and the passes of Table 3.

    The tables of one corpus, whose columns are metrics, gain none.
    """
    if number not in (1, 3, 6):
        return []
    if number == 3:
        return [f"Iter={passes - 1}" for passes in table["passes"]]
    new = [column["new"] for column in table["columns"].values() if not isinstance(column, str)]
    return [f"{name} {manner}" for name in new for manner in ("AR", "NAR")] if number == 6 else new


def files_of(cells: Sequence[Cell], kind: str) -> list[str]:
    """Every path under `kind` (score_files or significance_files) of the cells, or of their speeds (latency)."""
    if kind == "latency":
        measured = [cell["latency"] for cell in cells if "latency" in cell]
        sides = [side for one in measured for side in (one, one["baseline"]) if side]
        return list(dict.fromkeys(path for side in sides for path in side["files"].values()))
    return [path for cell in cells for path in cell.get(kind, {}).values()]

"""The cells of the paper's tables that the runs of a tier fill, and their files."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from janus.config.systems import baselines
from janus.config.tiers import systems_on
from janus.iterations import column_of, iteration_of
from janus.report.paper_tables import PAPER_TABLES, PaperTable

Files = dict[int, str]
# (corpus, system, manner, passes or None for the tier's) -> {seed: path of the score file}
ScoreFiles = Callable[[str, str, str, int | None], Files]
# (corpus, system, manner, baseline) -> {seed: path of the comparison}
ComparisonFiles = Callable[[str, str, str, str], Files]
# (corpus, system, manner, passes or None for the tier's) -> what janus.report.origins reads of the runs
OriginOf = Callable[[str, str, str, int | None], Mapping[str, Any]]
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
    origin_of: OriginOf,
    passes: Passes,
) -> list[Cell]:
    """The cells of a table of corpora, in the form of janus.report.collect: every system on each in each manner.

    A table `by_manner` has a column for each manner of a corpus, another has rows for them. A system is tested against
    its `opponents`.
    """
    paper = PAPER_TABLES[number]
    cells = []
    for corpus, column in table["columns"].items():
        for name in systems_on(table, corpus):
            system = systems[name]
            for manner in system["manners"]:
                cell = {
                    "table": number,
                    "row": row_of(system, number, manner),
                    "variant": system["label"],
                    "column": column_name(column) + (f" {manner.upper()}" if paper.by_manner else ""),
                    "metric": None,
                    "score_files": score_files(corpus, name, manner, None),
                    "origin": origin_of(corpus, name, manner, None),
                    "comparisons": [
                        {
                            "against": systems[other]["label"],
                            "step": step,
                            "files": comparison_files(corpus, name, manner, other),
                            "origin": origin_of(corpus, other, manner, None),
                        }
                        for other, step in opponents(name, manner, systems_on(table, corpus), systems)
                    ],
                }
                if paper.iterations and manner == "nar":
                    cell["iterations"] = iteration_of(passes(corpus, name))
                cells.append(cell)
    return cells


def repetition_cells(
    number: int,
    table: Mapping[str, Any],
    systems: Mapping[str, Mapping[str, Any]],
    *,
    score_files: ScoreFiles,
    origin_of: OriginOf,
) -> list[Cell]:
    """The cells of a table of passes: every system after each number of them.

    Repetition is not tested; a row is still compared with its opponents, to report differences in their training.
    """
    corpus = table["corpus"]
    return [
        {
            "table": number,
            "row": row_of(systems[name], number, "nar"),
            "variant": systems[name]["label"],
            "column": column_of(passes),
            "metric": None,
            "score_files": score_files(corpus, name, "nar", passes),
            "origin": origin_of(corpus, name, "nar", passes),
            "comparisons": [
                {
                    "against": systems[other]["label"],
                    "step": step,
                    "files": {},
                    "origin": origin_of(corpus, other, "nar", passes),
                }
                for other, step in opponents(name, "nar", table["systems"], systems)
            ],
        }
        for name in table["systems"]
        for passes in table["passes"]
    ]


def opponents(
    name: str, manner: str, shown: Collection[str], systems: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[str, bool]]:
    """The rows that a system's row is tested against, of those `shown`, and whether each is the one that it adds to.

    These are its first baseline in the manner of the table, and the first of `adds_to`.
    """
    baseline = next((one for one in baselines(systems[name], manner) if one in shown), None)
    if baseline:
        yield baseline, False
    steps = [one for one in systems[name]["adds_to"] if one in shown and manner in systems[one]["manners"]]
    if steps and steps[0] != baseline:
        yield steps[0], True


def row_of(system: Mapping[str, Any], number: int, manner: str, passes: int | None = None) -> str:
    """The published row that a system is compared with in a table, or a new row, named by its label.

    A published row with `passes` is only for those. The name of a new row contains the manner if the rows of the table
    have one manner each and, if `passes` are given, the paper's Iter.
    """
    for place in system["published"]:
        if place["table"] == number and place["manner"] == manner and place.get("passes") in (None, passes):
            return place["row"]
    if not PAPER_TABLES[number].one_manner_a_row:
        return system["label"]
    row = f"{system['label'].removesuffix(f' {manner.upper()}')} {manner.upper()}"
    return row if passes is None else f"{row} iter {iteration_of(passes)}"


def column_name(column: str | Mapping[str, str]) -> str:
    """The head of a column: the published one, or `new` if the paper has none."""
    return column if isinstance(column, str) else column["new"]


def added_rows(number: int, cells: Sequence[Cell], systems: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The rows of `cells` that are in no system's `published`, in order."""
    named = {place["row"] for system in systems.values() for place in system["published"] if place["table"] == number}
    return [row for row in dict.fromkeys(cell["row"] for cell in cells) if row not in named]


def added_columns(number: int, table: Mapping[str, Any]) -> list[str]:
    """The columns that a table's config adds to the published ones: corpora declared `new`, and all passes.

    Tables of one corpus, whose columns are metrics, have no additional ones.
    """
    paper = PAPER_TABLES[number]
    if paper.columns == "metrics":
        return []
    if paper.columns == "passes":
        return _iterations(table)
    return _by_manner(paper, (column["new"] for column in table["columns"].values() if not isinstance(column, str)))


def _iterations(table: Mapping[str, Any]) -> list[str]:
    return [column_of(passes) for passes in table["passes"]]


def _by_manner(paper: PaperTable, columns: Iterable[str]) -> list[str]:
    """The columns of a table of corpora; each stands for one of AR and one of NAR in a table `by_manner`."""
    manners = (" AR", " NAR") if paper.by_manner else ("",)
    return [column + manner for column in columns for manner in manners]


def other_texts(number: int, table: Mapping[str, Any], published: Mapping[str, str]) -> dict[str, str]:
    """The columns in which the reproduced text differs from the published one, with the name of the reproduced text.

    `published` gives the paper's text for each corpus, empty if it is not one of them. Columns that the paper does not
    have are left out.
    """
    paper = PAPER_TABLES[number]
    if paper.columns == "corpora":
        columns = {column: corpus for corpus, column in table["columns"].items() if isinstance(column, str)}
        others = {column: corpus for column, corpus in columns.items() if published.get(corpus) != column}
        return {head: corpus for column, corpus in others.items() for head in _by_manner(paper, [column])}
    if published.get(table["corpus"]) == paper.text and not table.get("new"):
        return {}
    heads = paper.shown if paper.columns == "metrics" else _iterations(table)
    return dict.fromkeys(heads, table.get("new") or table["corpus"])


def files_of(cells: Sequence[Cell], kind: str) -> list[str]:
    """All paths of one kind in the cells, without duplicates.

    Kinds: `scores`, `tests`, `latencies`, and `origins`, the records of trainings, decodings and given files.
    """
    found = {
        "scores": lambda cell: [cell["score_files"]],
        "tests": lambda cell: [one["files"] for one in cell.get("comparisons", ())],
        "latencies": _latencies,
        "origins": _origins,
    }[kind]
    return list(dict.fromkeys(path for cell in cells for files in found(cell) for path in files.values()))


def _latencies(cell: Cell) -> list[Files]:
    measured = cell.get("latency")
    return [side["files"] for side in (measured, measured["baseline"]) if side] if measured else []


def _origins(cell: Cell) -> list[Files]:
    origins = [cell["origin"]] if "origin" in cell else []
    origins += [one["origin"] for one in cell.get("comparisons", ())]
    return [origin.get(kind, {}) for origin in origins for kind in ("trainings", "decodings", "given")]

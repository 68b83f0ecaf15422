"""The tables of a run for a page: every field as text, and the numbers among them with where they come from."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from janus.files import read_json
from janus.report.csvfile import read_rows
from janus.report.names import METRICS
from janus.report.page.numbers import Numbers
from janus.report.page.records import Fact
from janus.report.page.table_file import PUBLISHED, REPRODUCED, TableFile, read_table, split_head
from janus.report.published import Published
from janus.report.vital_signs import MARK, unmarked

# A value, and what stands after it: p-values in brackets, and the mark of degenerate output behind them.
_CELL = re.compile(rf"(.*?)( \(.*\){MARK}?)?", re.DOTALL)
# A line of a table, its head and the field -> the name of the number, if it is one.
_Find = Callable[[Sequence[str], str], str | None]


@dataclass(frozen=True)
class Place:
    """Where the tables of a run lie, what the paper says, and where numbers are added."""

    tables: Path
    published: Published
    numbers: Numbers


def paper_table(place: Place, number: int) -> dict[str, Any] | None:
    """A table of the paper with its companions, every metric and the tests; None where the run has not rendered it."""
    name = f"table{number}"
    if not (place.tables / f"{name}.md").is_file():
        return None
    table = read_table(place.tables / f"{name}.md")
    records = _records(place, name)
    columns = list(dict.fromkeys(record["column"] for record in records))
    section = _section(place, table, partial(_of_paper, place, number, records, columns), columns)
    cells = _records(place, f"{name}-cells")
    companions = {
        f"{name}-metrics": partial(_of_metrics, place, cells),
        f"{name}-tests": partial(_of_tests, place, name),
    }
    section["companions"] = [
        _section(place, read_table(place.tables / f"{one}.md"), find)
        for one, find in companions.items()
        if (place.tables / f"{one}.md").is_file()
    ]
    return section


def own_table(place: Place, name: str) -> dict[str, Any]:
    """A table of the user's own with its companions; a number rests on the scores of its row and column."""
    found = {(cell["row"], cell["variant"], cell["column"]): cell for cell in _facts(place, name)["cells"]}
    columns = sorted({column for _, _, column in found}, key=len, reverse=True)

    def find(line: Sequence[str], head: str) -> str | None:
        column = next((one for one in columns if head == one or head.startswith(f"{one} ")), "")
        cell = found.get((line[0], unmarked(line[1]), column))
        return place.numbers.add(f"{line[0]}, {head}", [], cell["score_files"].values()) if cell else None

    section = _section(place, read_table(place.tables / f"{name}.md"), find)
    more = (plain_table(place, f"{name}-{kind}") for kind in ("metrics", "tests"))
    return section | {"companions": [one for one in more if one]}


def overview(place: Place, name: str) -> dict[str, Any]:
    """The table of an overview, whose every line rests on its scores, speeds and training."""
    cells = {(cell["row"], cell["variant"]): cell for cell in _facts(place, name)["cells"]}
    rows: dict[tuple[str, str], str] = {}

    def find(line: Sequence[str], head: str) -> str:
        key = line[0], unmarked(line[1])
        if key not in rows:
            rows[key] = place.numbers.add(f"{key[1]}: quality, speed and cost", [], _overview_files(cells.get(key)))
        return rows[key]

    section = _section(place, read_table(place.tables / f"{name}.md"), find)
    # The same numbers are the points of the picture.
    section["rows"] = {variant: number for (_, variant), number in rows.items()}
    return section


def claims(place: Place) -> dict[str, Any] | None:
    """The table of the claims; None where none were judged."""
    if not (place.tables / "claims.md").is_file():
        return None
    trials = [
        (comparison, trial)
        for comparison in _facts(place, "claims")["comparisons"]
        for trial in comparison.get("trials", ())
    ]
    table = read_table(place.tables / "claims.md")
    names: dict[tuple[str, ...], str] = {}

    def find(line: Sequence[str], head: str) -> str | None:
        claim, _, left, right, corpus = line[: table.labels]
        if head not in ("Effect", "95 % interval"):
            return None
        own = [
            trial
            for one, trial in trials
            if (one["statement"], one["left"], one["right"]) == (claim, left, right)
            and corpus in (trial["corpus"], MEAN)
        ]
        key = claim, left, right, corpus
        if own and key not in names:
            files = [path for trial in own for side in ("left", "right") for path in trial[side]["files"].values()]
            facts = list(zip(table.heads[table.labels :], line[table.labels :]))
            names[key] = place.numbers.add(f"Claim {claim}: {left} against {right}", facts, files)
        return names.get(key)

    return _section(place, table, find)


def plain_table(place: Place, name: str) -> dict[str, Any] | None:
    """A table as it is; None where the run has not rendered it."""
    path = place.tables / f"{name}.md"
    return _section(place, read_table(path), lambda line, head: None) if path.is_file() else None


# As janus.claims.table heads the line over several corpora.
MEAN = "mean of corpora"


def _section(place: Place, table: TableFile, find: _Find, columns: Sequence[str] = ()) -> dict[str, Any]:
    """A table for the page: `find` names the number in a field; `columns` are those that stand over several heads."""
    heads = [split_head(head, columns) for head in table.heads]
    groups: list[dict[str, Any]] = []
    for column, part in heads:
        if groups and part and groups[-1]["text"] == column:
            groups[-1]["span"] += 1
        else:
            groups.append({"text": column, "span": 1, "single": not part})
    values = range(table.labels, len(heads))
    lines = [
        {
            "labels": [{"text": text} for text in line[: table.labels]],
            "cells": [_cell(line[i], heads[i][1], find(line, table.heads[i]) if line[i] else None) for i in values],
        }
        for line in table.lines
    ]
    path = place.tables / f"{table.name}.csv"
    return {
        "name": table.name,
        "caption": table.caption,
        "groups": groups,
        "parts": [part for _, part in heads] if any(part for _, part in heads) else [],
        "labels": table.labels,
        "lines": lines,
        "notes": list(table.notes),
        "csv": place.numbers.records.text(path) if path.is_file() else None,
    }


def _cell(text: str, part: str, number: str | None) -> dict[str, Any]:
    """A field: its value, what stands in brackets after it, its part, and its number."""
    value, more = _CELL.fullmatch(text).groups() if number else (text, None)
    return {"text": value, "more": more or "", "part": part, "number": number}


def _of_paper(
    place: Place,
    number: int,
    records: Sequence[Mapping[str, str]],
    columns: Sequence[str],
    line: Sequence[str],
    head: str,
) -> str | None:
    column, part = split_head(head, columns)
    row, system = line[0], unmarked(line[1]) if len(line) > 1 else ""
    own = [record for record in records if (record["row"], record["column"]) == (row, column)]
    record = next((one for one in own if one["system"] == system), own[0] if own else None)
    if record is None:
        return None
    if part == REPRODUCED and record["reproduced"]:
        filled = row if row == system else f"{row} ({system})"
        title = f"Table {number}, {filled}, {column}: reproduced"
        return place.numbers.add(title, _reproduced_facts(record), record["provenance"].split())
    # Without reproduced columns, every column is a published one.
    if part in (PUBLISHED, "") and record["published"]:
        return place.numbers.add(f"Table {number}, {row}, {column}: published", _published_facts(place, number, record))
    return None


def _reproduced_facts(record: Mapping[str, str]) -> list[Fact]:
    half = record["half_width"]
    given = {
        "Value": record["reproduced"] + (f" ± {half} (95 % interval over seeds)" if half else ""),
        "Metric": METRICS.get(record["metric"], record["metric"]),
        "Published": record["published"],
        "Reproduced minus published": record["difference"],
        "Seeds": record["seeds"],
        "p against its baseline": record["p_value"],
        "p against the row it adds to": record.get("step_p_value", ""),
        "Degenerate output": record.get("degenerate", ""),
    }
    return [(label, value) for label, value in given.items() if value]


def _published_facts(place: Place, number: int, record: Mapping[str, str]) -> list[Fact]:
    cell = place.published.cells.get((number, record["row"], record["column"]))
    given = {
        "Value": record["published"],
        "Source": f"Table {number} of the paper",
        "Section": cell.section if cell else "",
        "Note": record["note"],
        "What the row is": place.published.what.get((number, record["row"]), ""),
    }
    return [(label, value) for label, value in given.items() if value]


def _of_metrics(place: Place, cells: Sequence[Mapping[str, str]], line: Sequence[str], head: str) -> str | None:
    row, system, column = line[0], unmarked(line[1]), unmarked(line[2])
    for cell in cells:
        if (cell["row"], cell["variant"], cell["column"]) == (row, system, column) and head in (
            METRICS.get(cell["metric"], cell["metric"]),
            cell["metric"],
        ):
            facts = [("Value", cell["value"]), ("Signature", cell["signature"]), ("Seeds", cell["seeds"])]
            return place.numbers.add(f"{system}, {column}: {head}", facts, cell["provenance"].split())
    return None


def _of_tests(place: Place, name: str, line: Sequence[str], head: str) -> str | None:
    row, system, column, against = (unmarked(text) for text in line[:4])
    for cell in _facts(place, name)["cells"]:
        if (cell["row"], cell["variant"], cell["column"]) != (row, system, column):
            continue
        for one in cell.get("comparisons", ()):
            if one["against"] == against:
                return place.numbers.add(f"{system} against {against}, {column}: {head}", [], one["files"].values())
    return None


def _overview_files(cell: Mapping[str, Any] | None) -> Iterable[str]:
    if cell is None:
        return []
    return [path for kind in ("score_files", "latency_files") for path in cell[kind].values()]


def _records(place: Place, name: str) -> list[dict[str, str]]:
    path = place.tables / f"{name}.csv"
    return read_rows(path) if path.is_file() else []


def _facts(place: Place, name: str) -> Mapping[str, Any]:
    return read_json(place.tables / f"{name}.json")

"""The paper's claims about rows of its tables, as data: `workflow/published/claims.csv`.

A statement compares two rows of one table, each decoded in some way, and says on which side of a bound the effect is.
It names no corpus: it is tested on every corpus on which both rows were run.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from janus.errors import InputError
from janus.iterations import column_of, iteration_of
from janus.report.csvfile import number, read_rows
from janus.report.names import RESAMPLED
from janus.report.paper_tables import PAPER_TABLES
from janus.report.published import ITERATION, LATENCY, Cell, Published

COLUMNS = ("id", "section", "table", "left", "right", "metric", "direction", "bound", "statement", "note")
_SIGNS = {"above": 1, "below": -1}
# Milliseconds per sentence at batch 1: the effect is a ratio, how many times faster left is.
SPEED = "latency"
# Claims without a metric in this suite; the note says why, and the table lists the statement as not tested.
UNTESTED = ""

_DECODING = re.compile(r"ar|nar(-[1-9]\d*)?")


@dataclass(frozen=True)
class Side:
    """A row of the paper and its decoding: ar, nar-<passes>, nar with the tier's passes, or None if the row says it."""

    row: str
    decoding: str | None = None

    @property
    def manner(self) -> str:
        """`ar` or `nar`; empty if the row says it."""
        return (self.decoding or "").partition("-")[0]

    @property
    def passes(self) -> int | None:
        """Decoder passes; None if the side names none."""
        count = (self.decoding or "").partition("-")[2]
        return int(count) if count else None

    def __str__(self) -> str:
        manner = self.manner.upper()
        named = self.row if self.row.endswith(manner) else f"{self.row} {manner}"
        return named + (f", {counted(self.passes)}" if self.passes else "")


def counted(passes: int) -> str:
    """`1 pass`, `2 passes`."""
    return f"{passes} pass" + ("es" if passes > 1 else "")


@dataclass(frozen=True)
class Statement:
    """One claim: the effect of `left` over `right` in `metric` is `above` or `below` a bound.

    The effect is the difference left - right in points of the metric; for SPEED, the ratio right / left. `section` is
    where the paper says so, `note` how its wording was turned into this test, or why there is none.
    """

    id: str
    section: str
    table: int
    left: Side
    right: Side
    metric: str
    direction: str
    bound: float
    statement: str
    note: str

    @property
    def is_ratio(self) -> bool:
        """Whether the effect is a ratio instead of a difference."""
        return self.metric == SPEED

    @property
    def sign(self) -> int:
        """1 if the claim is that the effect is above its bound, else -1."""
        return _SIGNS[self.direction]

    @property
    def tested(self) -> bool:
        """Whether this suite can test the statement."""
        return self.metric != UNTESTED


def load_statements(path: Path) -> list[Statement]:
    """The statements of a CSV file, in its order.

    Raises InputError, naming the file and the id, for a broken record, a duplicate id, and an invalid table, decoding,
    metric, direction or bound.
    """
    statements = [_statement(row, path) for row in read_rows(path, COLUMNS)]
    seen: set[str] = set()
    for one in statements:
        if one.id in seen:
            raise InputError("the id is given twice", where=f"{path}: {one.id}", fix="give one of them another id")
        seen.add(one.id)
    return statements


def check_rows(statement: Statement, published: Published, systems: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise InputError if a statement names a row that is not in the paper's table, does not determine its decoding, or
    names one that no system filling the row has."""
    where = f"claims.csv: {statement.id}"
    rows = published.rows(statement.table)
    for side in (statement.left, statement.right):
        if side.row not in rows:
            raise InputError(
                f"the paper's Table {statement.table} has no row {side.row!r}",
                where=where,
                fix=f"choose from: {', '.join(rows)}",
            )
        manners = sorted({manner for _, manner, _ in fillers(statement.table, side.row, systems)})
        choice = f"write {' or '.join(f'{side.row}@{manner}' for manner in manners)}"
        if not side.manner and len(manners) > 1:
            raise InputError(f"{side.row!r} is decoded in several ways", where=where, fix=choice)
        if side.manner and manners and side.manner not in manners:
            raise InputError(f"no system decodes {side.row!r} as {side.decoding}", where=where, fix=choice)


def fillers(table: int, row: str, systems: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str, int | None]]:
    """(system, manner, passes or None for the tier's) of each system that fills a row of the paper."""
    return [
        (name, place["manner"], place.get("passes"))
        for name, system in systems.items()
        for place in system["published"]
        if place["table"] == table and place["row"] == row
    ]


def published_effects(statement: Statement, published: Published) -> dict[str, Decimal]:
    """The effect of a statement in the paper's own numbers, by the text of its corpus; "" is that of a whole table.

    Empty if the paper prints no number for it, or only after a different number of passes.
    """
    if not statement.tested:
        return {}
    left, right = (_cells(statement, side, published) for side in (statement.left, statement.right))
    pairs = {text: (left[text].value, right[text].value) for text in left if text in right}
    return {
        text: theirs / ours if statement.is_ratio else ours - theirs
        for text, (ours, theirs) in pairs.items()
        if ours is not None and theirs is not None
    }


def _statement(row: Mapping[str, str], path: Path) -> Statement:
    where = f"{path}: {row['id']}"
    if row["table"] not in map(str, PAPER_TABLES):
        raise InputError(f"no table {row['table']!r}", where=where, fix="write a number from 1 to 8")
    table = int(row["table"])
    tested = row["metric"] != UNTESTED
    if tested:
        _check_test(row, table, where)
    elif not row["note"]:
        raise InputError("neither a metric nor a note", where=where, fix="say in the note why it is not tested")
    left, right = (_side(row[name], table, where, tested=tested) for name in ("left", "right"))
    # An untested statement has no bound.
    bound = number(row, "bound", path) if tested else 0.0
    if row["metric"] == SPEED and bound <= 0:
        raise InputError(f"{bound:g} is not a bound of a ratio", where=where, fix="write a number above 0")
    return Statement(**{**row, "table": table, "left": left, "right": right, "bound": bound})


def _check_test(row: Mapping[str, str], table: int, where: str) -> None:
    task = PAPER_TABLES[table].task
    known = (SPEED, *RESAMPLED[task])
    if row["metric"] not in known:
        raise InputError(
            f"no metric {row['metric']!r} of Table {table}, whose task is {task}",
            where=where,
            fix=f"choose from: {', '.join(known)}",
        )
    if row["direction"] not in _SIGNS:
        raise InputError(f"no direction {row['direction']!r}", where=where, fix=f"write {' or '.join(_SIGNS)}")


def _side(text: str, table: int, where: str, *, tested: bool) -> Side:
    row, at, decoding = text.partition("@")
    if at and not _DECODING.fullmatch(decoding):
        raise InputError(f"no decoding {decoding!r}", where=where, fix="write ar, nar or nar-<passes>")
    if tested and PAPER_TABLES[table].decoded_by_column and not at:
        raise InputError(f"Table {table}: {row!r} without its decoding", where=where, fix=f"write {row}@nar, or @ar")
    return Side(row, decoding or None)


def _cells(statement: Statement, side: Side, published: Published) -> dict[str, Cell]:
    """The printed cells of a side, by text: a corpus, or "" for the single text of a table."""
    table, columns, paper = statement.table, published.columns(statement.table), PAPER_TABLES[statement.table]
    shown = paper.shown
    if (
        ITERATION in columns
        and side.passes
        and published.find(table, side.row, ITERATION).value != iteration_of(side.passes)
    ):
        return {}
    if statement.is_ratio:
        names = {"": LATENCY} if LATENCY in columns else {}
    elif not isinstance(shown, str):
        names = {"": next((column for column, metric in shown.items() if metric == statement.metric), "")}
    elif shown != statement.metric:
        names = {}
    elif paper.columns == "passes":
        names = {"": column_of(side.passes)} if side.passes else {}
    else:
        suffix = f" {side.manner.upper()}" if paper.by_manner else ""
        heads = published.score_columns(table)
        names = {head.removesuffix(suffix): head for head in heads if head.endswith(suffix)}
    return {text: published.find(table, side.row, name) for text, name in names.items() if name in columns}

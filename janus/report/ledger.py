"""The two sides of a cell: the published value and the reproduced one."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from janus.errors import InputError
from janus.files import atomic_writer, parse_json
from janus.report.csvfile import number, read_rows, to_csv
from janus.report.published import DESCRIPTIVE, ITERATION, Cell, Published

REPRODUCED_COLUMNS = (
    "table", "row", "variant", "column", "metric", "value", "half_width", "seeds", "comparisons", "signature",
    "provenance",
)  # fmt: skip
_NUMBERS = ("delta", "p_bootstrap", "p_randomisation")


@dataclass(frozen=True)
class Comparison:
    """The tests of a score against that of another row, with the label `against`.

    `step` says that this is the row it adds something to, rather than its baseline. `delta` is positive if the row is
    better. Of two tests the larger p counts.
    """

    against: str
    step: bool
    delta: float
    p_bootstrap: float
    p_randomisation: float

    @property
    def p_value(self) -> float:
        """The p of the stricter test."""
        return max(self.p_bootstrap, self.p_randomisation)


@dataclass(frozen=True)
class Reproduced:
    """One reproduced score of one cell.

    `table` is the number of a table of the paper, or the name of one of a tier's own. `variant` names the system
    that fills the row. `half_width` is of the 95 % interval over `seeds` runs, None for one. `comparisons` are its
    tests against other rows. `provenance` lists the files the value comes from. In a table of one corpus `column`
    is the corpus, until `in_columns` assigns the record to its column.
    """

    table: int | str
    row: str
    variant: str
    column: str
    metric: str
    value: float
    half_width: float | None
    seeds: int
    comparisons: tuple[Comparison, ...]
    signature: str
    provenance: str

    @property
    def place(self) -> str:
        """The place of the record, for messages."""
        return f"Table {self.table}, {self.row} ({self.variant}), {self.column}"


@dataclass(frozen=True)
class Entry:
    """A cell of a table for one variant; either side may be missing.

    `comparable` says that a difference between the sides is meaningful.
    """

    row: str
    variant: str
    column: str
    published: Cell | None
    reproduced: Reproduced | None
    comparable: bool = True

    @property
    def difference(self) -> float | None:
        """Reproduced minus published, if both are comparable numbers."""
        if not self.comparable or self.reproduced is None or self.published is None or self.published.value is None:
            return None
        return self.reproduced.value - float(self.published.value)


def write_reproduced(records: Sequence[Reproduced], path: Path) -> None:
    """Write the records as the CSV that `load_reproduced` reads; comparisons are JSON in their field."""
    rows = [asdict(record) | {"comparisons": _as_json(record.comparisons)} for record in records]
    with atomic_writer(path) as stream:
        stream.write(to_csv(REPRODUCED_COLUMNS, rows))


def load_reproduced(path: Path) -> list[Reproduced]:
    """Read the CSV that `write_reproduced` writes. Raises InputError for a broken or repeated record."""
    records = [_record(path, row) for row in read_rows(path, REPRODUCED_COLUMNS)]
    seen: set[tuple[object, ...]] = set()
    for record in records:
        key = (record.table, record.row, record.variant, record.column, record.metric)
        if key in seen:
            raise InputError(
                f"{record.metric} is given twice", where=f"{path}: {record.place}", fix="remove one record"
            )
        seen.add(key)
    return records


def in_columns(reproduced: Iterable[Reproduced], table: int, metric: str | Mapping[str, str]) -> list[Reproduced]:
    """The records that a table shows, each assigned to its column.

    `metric` is one for the whole table, whose records name their columns, or {column: metric} in a table of one corpus.
    In the former, the iterations of a row are listed once, in their own column; raises InputError if they differ
    between columns.
    """
    records = [record for record in reproduced if record.table == table]
    if isinstance(metric, str):
        return [record for record in records if record.metric == metric] + _iterations_of_rows(records)
    columns = {name: column for column, name in metric.items()}
    return [replace(record, column=columns[record.metric]) for record in records if record.metric in columns]


def join(
    published: Published,
    reproduced: Iterable[Reproduced],
    table: int,
    *,
    metric: str | Mapping[str, str],
    added_rows: Collection[str] = (),
    added_columns: Collection[str] = (),
    other_columns: Collection[str] = (),
) -> list[Entry]:
    """All cells of a table with both sides: rows in printed order, each row once per variant that fills it.

    `metric` as in `in_columns`. A row that nothing fills appears once, with the variant "". `added_rows` and
    `added_columns` are those that a config adds to the paper's; any other unknown one raises InputError, which names
    it. Cells of `other_columns`, where the two sides are of different texts, have no difference; those of descriptive
    columns never do.
    """
    records = in_columns(reproduced, table, metric)
    for record in records:
        _check_known(record, published, added_rows, added_columns)
    rows = [*published.rows(table), *(row for row in added_rows if row not in published.rows(table))]
    columns = [*published.columns(table), *(name for name in added_columns if name not in published.columns(table))]
    by_place = {(record.row, record.variant, record.column): record for record in records}
    return [
        Entry(
            row,
            variant,
            column,
            published.cells.get((table, row, column)),
            by_place.get((row, variant, column)),
            column not in other_columns and column not in DESCRIPTIVE,
        )
        for row in rows
        for variant in _variants(row, records) or [""]
        for column in columns
    ]


def _as_json(comparisons: Iterable[Comparison]) -> str:
    return json.dumps([asdict(one) for one in comparisons], ensure_ascii=False)


def _iterations_of_rows(records: Iterable[Reproduced]) -> list[Reproduced]:
    rows: dict[tuple[str, str], Reproduced] = {}
    for record in records:
        if record.metric != "iterations":
            continue
        first = rows.setdefault((record.row, record.variant), record)
        if first.value != record.value:
            raise InputError(
                f"{record.value:.0f} iterations in {record.column!r}, but {first.value:.0f} in {first.column!r}",
                where=f"reproduced record of {record.variant or record.row}",
                fix=f"Table {record.table} has one {ITERATION} a row: give its corpora the same `passes`",
            )
    return [replace(record, column=ITERATION) for record in rows.values()]


def _variants(row: str, records: Sequence[Reproduced]) -> list[str]:
    return list(dict.fromkeys(record.variant for record in records if record.row == row))


def _check_known(
    record: Reproduced, published: Published, added_rows: Collection[str], added_columns: Collection[str]
) -> None:
    known_columns = [*published.columns(record.table), *added_columns]
    for kind, name, known in (
        ("row", record.row, [*published.rows(record.table), *added_rows]),
        ("column", record.column, known_columns),
    ):
        if name not in known:
            raise InputError(
                f"Table {record.table} has no {kind} {name!r}",
                where=f"reproduced record of {record.variant or record.row}",
                fix=f"choose from: {', '.join(known)}; or declare it as added",
            )


def _comparisons(path: Path, text: str) -> tuple[Comparison, ...]:
    try:
        return tuple(
            Comparison(str(one["against"]), bool(one["step"]), *(float(one[name]) for name in _NUMBERS))
            for one in parse_json(text)
        )
    except (ValueError, TypeError, LookupError) as error:
        raise InputError(f"comparisons are {text[:40]!r}", where=path, fix="make it again") from error


def _record(path: Path, row: dict[str, str]) -> Reproduced:
    def optional(column: str) -> float | None:
        return number(row, column, path) if row[column] else None

    return Reproduced(
        table=int(number(row, "table", path)),
        row=row["row"],
        variant=row["variant"],
        column=row["column"],
        metric=row["metric"],
        value=number(row, "value", path),
        half_width=optional("half_width"),
        seeds=int(number(row, "seeds", path)),
        comparisons=_comparisons(path, row["comparisons"]),
        signature=row["signature"],
        provenance=row["provenance"],
    )

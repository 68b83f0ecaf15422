"""Two sides of a cell: what the paper published and what this suite reproduced."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from janus.errors import InputError
from janus.report.csvfile import number, read_rows
from janus.report.published import DESCRIPTIVE, ITERATION, Cell, Published

REPRODUCED_COLUMNS = (
    "table", "row", "variant", "column", "metric", "value", "half_width", "seeds", "p_value", "delta", "baseline",
    "signature", "provenance",
)  # fmt: skip


@dataclass(frozen=True)
class Reproduced:
    """One reproduced score of one cell.

    `variant` names the system that fills the row. `half_width` is of the 95 % interval over `seeds` runs, None for one.
    `p_value` and `delta` are of the test against `baseline`, None where none was made. `provenance` lists the files the
    value comes from. In a table of one corpus `column` is the corpus, until `in_columns` puts the record in its column.
    """

    table: int
    row: str
    variant: str
    column: str
    metric: str
    value: float
    half_width: float | None
    seeds: int
    p_value: float | None
    delta: float | None
    baseline: str
    signature: str
    provenance: str

    @property
    def place(self) -> str:
        """Where the record belongs, for messages."""
        return f"Table {self.table}, {self.row} ({self.variant}), {self.column}"


@dataclass(frozen=True)
class Entry:
    """A cell of a table for one variant; either side may be missing.

    `comparable` says that a difference of the sides means something.
    """

    row: str
    variant: str
    column: str
    published: Cell | None
    reproduced: Reproduced | None
    comparable: bool = True

    @property
    def difference(self) -> float | None:
        """Reproduced minus published, where both are numbers of one thing."""
        if not self.comparable or self.reproduced is None or self.published is None or self.published.value is None:
            return None
        return self.reproduced.value - float(self.published.value)


def load_reproduced(path: Path) -> list[Reproduced]:
    """Read the CSV that `janus.report.collect` writes. Raises InputError for a broken or repeated record."""
    records = [_record(path, row) for row in read_rows(path, REPRODUCED_COLUMNS)]
    seen: set[tuple[object, ...]] = set()
    for record in records:
        key = (record.table, record.row, record.variant, record.column, record.metric)
        if key in seen:
            raise InputError(
                f"{record.metric} is given twice", where=f"{path}: {record.place}", mend="remove one record"
            )
        seen.add(key)
    return records


def in_columns(reproduced: Iterable[Reproduced], table: int, metric: str | Mapping[str, str]) -> list[Reproduced]:
    """The records that a table shows, each in the column that shows it.

    `metric` is one for the whole table, whose records name their columns, or {column: metric} in a table of one corpus.
    The iterations of a row of the former stand once, in their own column; raises InputError where they differ from one
    column to the next.
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
    comparable: bool = True,
) -> list[Entry]:
    """Every cell of a table with both its sides: rows in printed order, a row once for each variant that fills it.

    `metric` as `in_columns` takes it. A row that nothing fills stays once, with the variant "". `added_rows` and
    `added_columns` are those that a config brings in and the paper does not have; any other that the paper does not
    have raises InputError, which names it. Without `comparable` no cell has a difference; descriptive columns never do.
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
            comparable and column not in DESCRIPTIVE,
        )
        for row in rows
        for variant in _variants(row, records) or [""]
        for column in columns
    ]


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
                mend=f"Table {record.table} has one {ITERATION} a row: give its corpora the same `passes`",
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
                mend=f"choose of: {', '.join(known)}; or declare it as added",
            )


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
        p_value=optional("p_value"),
        delta=optional("delta"),
        baseline=row["baseline"],
        signature=row["signature"],
        provenance=row["provenance"],
    )

"""The numbers of the paper: the cells of its tables and the claims of its text, from `workflow/published`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from janus.errors import InputError
from janus.report.csvfile import read_rows

CELL_COLUMNS = ("table", "row", "column", "value", "section", "note")
CLAIM_COLUMNS = ("id", "section", "claim", "relation", "value", "left", "right", "tolerance", "note")
SAME_COLUMNS = ("left", "right")
ROW_COLUMNS = ("table", "row", "what")

_DIGITS = 9
# Columns that describe a row; every other column holds scores.
ITERATION, LATENCY, SPEEDUP = DESCRIPTIVE = ("Iter", "Latency (ms/sample)", "Speed-up")


@dataclass(frozen=True)
class Cell:
    """One printed cell; `value` keeps the printed digits and is None where the paper prints no number."""

    table: int
    row: str
    column: str
    value: Decimal | None
    section: str
    note: str

    @property
    def place(self) -> str:
        """The place of the cell, for messages."""
        return f"Table {self.table}, {self.row}, {self.column}"


@dataclass(frozen=True)
class Claim:
    """One number or comparison stated in the running text; `relation` names the check in `janus.report.text_claims`.

    `left` and `right` are references `table/row/column` or `text/id`, as the README of the folder explains.
    """

    id: str
    section: str
    claim: str
    relation: str
    value: str
    left: tuple[str, ...]
    right: tuple[str, ...]
    tolerance: str
    note: str


class Published:
    """All cells by place, in printed order, with the claims and the pairs of cells that must be equal."""

    def __init__(
        self,
        cells: Iterable[Cell],
        claims: Iterable[Claim] = (),
        same: Iterable[tuple[str, str]] = (),
        what: Mapping[tuple[int, str], str] | None = None,
    ):
        """what: what the numbers of a row really are, by table and row, as far as the table does not say it."""
        self.cells: dict[tuple[int, str, str], Cell] = {}
        for cell in cells:
            if (cell.table, cell.row, cell.column) in self.cells:
                raise InputError("the cell is given twice", where=cell.place, fix="remove one of the two records")
            self.cells[cell.table, cell.row, cell.column] = cell
        self.claims = {claim.id: claim for claim in claims}
        self.same = list(same)
        for table, row in what or {}:
            if row not in self.rows(table):
                raise InputError("no such row", where=f"Table {table}: {row!r}", fix="correct its name in rows.csv")
        self.what = dict(what or {})

    def tables(self) -> list[int]:
        """Numbers of the tables."""
        return list(dict.fromkeys(cell.table for cell in self.cells.values()))

    def rows(self, table: int) -> list[str]:
        """Rows of a table in printed order."""
        return list(dict.fromkeys(cell.row for cell in self.cells.values() if cell.table == table))

    def columns(self, table: int) -> list[str]:
        """Columns of a table in printed order."""
        return list(dict.fromkeys(cell.column for cell in self.cells.values() if cell.table == table))

    def score_columns(self, table: int) -> list[str]:
        """Columns that hold scores."""
        return [column for column in self.columns(table) if column not in DESCRIPTIVE]

    def find(self, table: int, row: str, column: str) -> Cell:
        """The cell at a place. Raises InputError, with the missing name, if the paper does not have it."""
        known = {"table": self.tables(), "row": self.rows(table), "column": self.columns(table)}
        for kind, name in (("table", table), ("row", row), ("column", column)):
            if name not in known[kind]:
                choice = ", ".join(str(one) for one in known[kind])
                raise InputError(
                    f"no such {kind} in the paper", where=f"Table {table}: {name!r}", fix=f"choose from: {choice}"
                )
        if (table, row, column) not in self.cells:
            raise InputError(
                "the cell is missing", where=f"Table {table}: {row}, {column}", fix="add its record, empty or not"
            )
        return self.cells[table, row, column]


def load_published(folder: Path) -> Published:
    """Read `table<n>.csv`, `text.csv`, `same.csv` and `rows.csv` of a folder.

    Raises InputError, naming the place, for a missing file, a broken record, a duplicate cell or a value that is not a
    number.
    """
    folder = Path(folder)
    paths = sorted(folder.glob("table[0-9].csv"))
    if not paths:
        raise InputError("no table<n>.csv here", where=folder, fix="give the folder of the published numbers")
    cells = [_cell(path, row) for path in paths for row in read_rows(path, CELL_COLUMNS)]
    claims = [_claim(row) for row in read_rows(folder / "text.csv", CLAIM_COLUMNS)]
    same = [(row["left"], row["right"]) for row in read_rows(folder / "same.csv", SAME_COLUMNS)]
    what = dict(_what(row) for row in read_rows(folder / "rows.csv", ROW_COLUMNS))
    return Published(cells, claims, same, what)


def place_of(reference: str, file: str) -> tuple[int, str, str]:
    """Table, row and column of a reference; a column may contain a slash, as in `Latency (ms/sample)`."""
    table, row, column = (*reference.split("/", 2), "", "")[:3]
    if not table.isdecimal() or len(table) > 2:
        raise InputError("no reference", where=f"{file}: {reference}", fix="write table/row/column or text/id")
    return int(table), row, column


def _what(row: Mapping[str, str]) -> tuple[tuple[int, str], str]:
    table, _, _ = place_of(row["table"], "rows.csv")
    return (table, row["row"]), row["what"]


def _cell(path: Path, row: dict[str, str]) -> Cell:
    where = f"{path}: {row['row']}, {row['column']}"
    if path.stem != f"table{row['table']}":
        raise InputError(f"a record of table {row['table']!r}", where=where, fix="move it to the file of its table")
    return Cell(
        int(row["table"]), row["row"], row["column"], _decimal(where, row["value"]), row["section"], row["note"]
    )


def _decimal(where: str, text: str) -> Decimal | None:
    if not text:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    # Printed numbers; arithmetic with others may leave the range of decimals.
    if not value.is_finite() or (value and not -_DIGITS < value.adjusted() < _DIGITS):
        raise InputError(f"{text!r} is not a number", where=where, fix="write the number, or leave the field empty")
    return value


def _claim(row: dict[str, str]) -> Claim:
    for text in (*row["value"].split(".."), row["tolerance"]):
        _decimal(f"text.csv: {row['id']}", text)
    sides = {side: tuple(filter(None, row[side].split(";"))) for side in ("left", "right")}
    return Claim(**{**row, **sides})

"""Tidy CSV files, read with every complaint naming its line and written in one shape."""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from janus.errors import InputError
from janus.files import read_lines


def read_rows(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """The records of a CSV file whose header holds exactly `columns`, in any order.

    Raises InputError, with the line, where the header or a record's length differs.
    """
    reader = csv.reader(read_lines(path), strict=True)
    rows: list[dict[str, str]] = []
    header: list[str] | None = None
    try:
        for record in reader:
            if header is None:
                header = record
                _check_header(path, header, columns)
            elif len(record) != len(header):
                raise _broken(path, reader.line_num, f"{len(record)} fields for {len(header)} columns")
            else:
                rows.append(dict(zip(header, record, strict=True)))
    except csv.Error as error:
        raise _broken(path, reader.line_num, f"not CSV ({error})") from error
    if header is None:
        raise _broken(path, 1, "the file is empty")
    return rows


def number(row: Mapping[str, str], column: str, path: Path) -> float:
    """The finite number in a field. Raises InputError that quotes what stands there instead."""
    try:
        value = float(row[column])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{column} is {row[column]!r}, no number", where=path, mend=f"correct the record {dict(row)}")
    return value


def to_csv(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """CSV text of `rows`, a header first; None becomes an empty field."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def to_markdown(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """The same as a Markdown table; a bar inside a field is escaped."""
    lines = [columns, ["---"] * len(columns)]
    lines += [["" if row[column] is None else str(row[column]) for column in columns] for row in rows]
    return "".join("| " + " | ".join(field.replace("|", "\\|") for field in line) + " |\n" for line in lines)


def _check_header(path: Path, header: list[str], columns: Sequence[str]) -> None:
    if sorted(header) != sorted(columns):
        raise _broken(path, 1, f"columns {', '.join(header)} where {', '.join(columns)} are due")


def _broken(path: Path, line: int, what: str) -> InputError:
    return InputError(what, where=f"{path}:{line}", mend="correct the file or make it again")

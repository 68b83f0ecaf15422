"""Tidy CSV files: reading, with errors that name the line, and writing in one format."""

import csv
import io
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from janus.errors import InputError
from janus.files import read_lines

# What Markdown reads as code, emphasis, mathematics, a deletion, a link, a tag or an entity. An underscore inside a
# word, a lone < and & are none of these and are not escaped.
_MARKDOWN = re.compile(r"[`*$~\\]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|\](?=[(\[:])|<(?=[A-Za-z/!?])|&(?=#?\w+;)")


def read_rows(path: Path, columns: Sequence[str] | None = None) -> list[dict[str, str]]:
    """The records of a CSV file whose header has exactly `columns`, in any order; without them, whatever it has.

    Raises InputError, with the line, where the header or a record's length differs.
    """
    reader = csv.reader(read_lines(path), strict=True)
    rows: list[dict[str, str]] = []
    header: list[str] | None = None
    try:
        for record in reader:
            if header is None:
                header = record
                if columns is not None:
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
    """The finite number in a field. Otherwise raises InputError, which quotes the field."""
    try:
        value = float(row[column])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(
            f"{column} is {row[column]!r}, not a number", where=path, fix=f"correct the record {dict(row)}"
        )
    return value


def to_csv(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """CSV text of `rows` with a header; None becomes an empty field."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def to_markdown(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """The same as a Markdown table."""
    lines = [["" if row[column] is None else str(row[column]) for column in columns] for row in rows]
    return markdown_grid(columns, ["---"] * len(columns), lines)


def markdown_grid(heads: Iterable[str], rules: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    """A pipe table whose fields are shown literally; `rules` align its columns."""

    def row(fields: Iterable[str]) -> str:
        return "| " + " | ".join(markdown_text(field).replace("|", "\\|") for field in fields) + " |\n"

    return row(heads) + "| " + " | ".join(rules) + " |\n" + "".join(map(row, lines))


def markdown_text(text: str) -> str:
    """Text that Markdown, including GitHub's, shows literally, on one line."""
    return _MARKDOWN.sub(r"\\\g<0>", " ".join(text.split()))


def _check_header(path: Path, header: list[str], columns: Sequence[str]) -> None:
    if sorted(header) != sorted(columns):
        raise _broken(path, 1, f"columns {', '.join(header)} where {', '.join(columns)} are due")


def _broken(path: Path, line: int, what: str) -> InputError:
    return InputError(what, where=f"{path}:{line}", fix="correct the file or make it again")

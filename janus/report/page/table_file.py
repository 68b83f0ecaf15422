"""A table read back from the Markdown that `janus.report.tables` or `janus.report.csvfile` wrote."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from janus.errors import InputError
from janus.files import read_lines

# The parts of a column that shows both sides, as `janus.report.layout` heads them.
PUBLISHED, REPRODUCED, DIFFERENCE = PARTS = ("published", "reproduced", "Δ")
_FIELD = re.compile(r"(?:\\.|[^\\|])*")
_LEFT = ":---"


@dataclass(frozen=True)
class TableFile:
    """A table as text: the first `labels` of its `heads` name a line, the others have values."""

    name: str
    caption: str
    heads: tuple[str, ...]
    labels: int
    lines: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]


def read_table(path: Path) -> TableFile:
    """The table in a Markdown file: a caption in bold, a grid, notes. Raises InputError for another file."""
    path = Path(path)
    blocks: list[list[str]] = [[]]
    for line in read_lines(path):
        if line:
            blocks[-1].append(line)
        elif blocks[-1]:
            blocks.append([])
    captions, grids = blocks[0], blocks[1:2]
    if not captions or not captions[0].startswith("**") or not grids or len(grids[0]) < 2:
        raise InputError("no caption and table in it", where=path, fix="render the table again")
    heads, rules, *lines = (_fields(line) for line in grids[0])
    for number, line in enumerate(lines):
        if len(line) != len(heads):
            raise InputError(
                f"{len(line)} fields for {len(heads)} heads", where=f"{path}: line {number + 1} of the table",
                fix="render the table again",
            )  # fmt: skip
    # A table without alignment is headed by the columns of its CSV; the first says what a line is.
    labels = next((place for place, rule in enumerate(rules) if rule != _LEFT), len(rules)) or 1
    notes = tuple(_plain(line) for block in blocks[2:] for line in block)
    return TableFile(path.stem, _plain(captions[0][2:-2]), tuple(heads), labels, tuple(map(tuple, lines)), notes)


def read_caption(path: Path) -> str:
    """The caption in the first line of a Markdown file. Raises InputError where it has none."""
    lines = read_lines(path)
    if not lines or not lines[0].startswith("**"):
        raise InputError("no caption in it", where=path, fix="make it again")
    return _plain(lines[0][2:-2])


def split_head(head: str, columns: Collection[str]) -> tuple[str, str]:
    """A head as one of `columns` and the part of it, `published`, `reproduced` or `Δ`; or as it is, without a part."""
    column, _, part = head.rpartition(" ")
    return (column, part) if part in PARTS and column in columns else (head, "")


def _fields(line: str) -> Sequence[str]:
    """The fields of a line of a grid, as they were before Markdown's characters in them were escaped."""
    inner = line.removeprefix("| ").removesuffix(" |")
    return [_plain(field.strip()) for field in _split(inner)]


def _split(line: str) -> Sequence[str]:
    fields, start = [], 0
    while True:
        end = _FIELD.match(line, start).end()
        fields.append(line[start:end])
        if end >= len(line):
            return fields
        start = end + 1


def _plain(text: str) -> str:
    return re.sub(r"\\([\W_])", r"\1", text)

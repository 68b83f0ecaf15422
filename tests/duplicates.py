"""Blocks of code that stand more than once in some Python or Snakemake files."""

import io
import tokenize
from collections import defaultdict
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

_LAYOUT = (
    tokenize.ENCODING,
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
)


class Line(NamedTuple):
    number: int
    code: str


class Duplicate(NamedTuple):
    """`length` lines that stand in both places; each place is a file and the number of its first line."""

    length: int
    first: tuple[Path, int]
    second: tuple[Path, int]
    code: str

    def __str__(self) -> str:
        (one, a), (other, b) = self.first, self.second
        return f"{self.length} lines from {one}:{a} stand again from {other}:{b}: {self.code} ..."


def code_lines(text: str) -> list[Line]:
    """The lines of code without indentation, spacing, comments, docstrings, imports and blank lines.

    Only tokens are looked at, since Snakemake's files are no Python.
    """
    rows: dict[int, list[str]] = defaultdict(list)
    statement: list[tokenize.TokenInfo] = []
    before = "def"  # The first statement of a file may be its docstring.
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _LAYOUT:
            statement.append(token)
        elif token.type == tokenize.NEWLINE:
            word = statement[0].string
            docstring = before in ("def", "class", "async") and all(t.type == tokenize.STRING for t in statement)
            if not docstring and word not in ("import", "from"):
                for part in statement:
                    for offset, piece in enumerate(part.string.split("\n")):
                        rows[part.start[0] + offset].append(piece.strip())
            before, statement = word, []
    lines = ((number, " ".join(filter(None, parts))) for number, parts in sorted(rows.items()))
    return [Line(number, code) for number, code in lines if code]


def duplicates(paths: Iterable[Path], *, least: int) -> list[Duplicate]:
    """Every longest block of `least` lines or more that stands twice."""
    files = {path: code_lines(path.read_text(encoding="utf-8")) for path in sorted(paths)}
    places: dict[tuple[str, ...], list[tuple[Path, int]]] = defaultdict(list)
    for path, lines in files.items():
        code = [line.code for line in lines]
        for start in range(len(lines) - least + 1):
            places[tuple(code[start : start + least])].append((path, start))
    found = []
    for starts in places.values():
        for (one, i), (other, j) in combinations(starts, 2):
            apart = len(files[one]) if one != other else j - i  # A block does not repeat itself.
            before = i > 0 and j > 0 and files[one][i - 1].code == files[other][j - 1].code
            if apart < least or before:
                continue
            length = 0
            for a, b in zip(files[one][i : i + apart], files[other][j:]):
                if a.code != b.code:
                    break
                length += 1
            places_found = ((one, files[one][i].number), (other, files[other][j].number))
            found.append(Duplicate(length, *places_found, files[one][i].code))
    return sorted(found, reverse=True)

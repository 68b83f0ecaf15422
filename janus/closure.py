"""The code that a script runs: the modules it imports, directly or not, and one digest of them all.

Snakemake re-runs a rule when its script changes, but not when a module that the script imports changes. So each rule
has as a parameter the digest of the import closure of its script, computed from the source; a list kept by hand would
miss modules. Imports inside functions are found as well. A module that is imported by a name known only at run time,
such as the recipe of a corpus, is not part of the closure; the caller names it as an additional root.
"""

from __future__ import annotations

import ast
import hashlib
import io
import tokenize
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from janus.errors import InputError

_PACKAGES = ("janus", "kernels")
_COMPILED = ("*.cpp", "*.h")
# They format messages and records, show progress or check devices; no product depends on them.
_APART = ("janus.devices", "janus.display", "janus.errors", "janus.model.unreadable", "janus.records.provenance")


@dataclass(frozen=True)
class _Source:
    """What counts of one file: the dotted names that it imports, and its text without comments and docstrings."""

    names: tuple[str, ...]
    code: bytes


def digest_of_code(base: Path, *roots: str) -> str:
    """16 hex digits that change when the code that `roots` run changes; comments and docstrings are ignored.

    base: the folder of the packages. roots: paths of scripts relative to it, or dotted names of modules. Raises
    InputError if one of them does not exist.
    """
    digest = hashlib.sha256()
    for path in import_closure(base, *roots):
        source = _read_version(path, path.stat().st_mtime_ns)
        digest.update(f"{path.relative_to(base)}\0".encode() + source.code + b"\0")
    return digest.hexdigest()[:16]


def import_closure(base: Path, *roots: str) -> list[Path]:
    """The files of `roots` and of all they import from janus and kernels, directly or not, ordered by path.

    C++ sources in the folder of a module belong to it, and so does the `__init__` of each package above it, which an
    import runs. Modules on which no product depends (`_APART`) are left out, with everything that only they import.
    """
    found: set[Path] = set()
    waiting = [path for root in roots for path in _files_of_root(base, root)]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _imported(base, path, path.stat().st_mtime_ns)
    folders = {path.parent for path in found}
    return sorted(found | {source for folder in folders for source in _compiled_sources(folder)})


def _compiled_sources(folder: Path) -> Iterator[Path]:
    for pattern in _COMPILED:
        yield from folder.glob(pattern)


def _files_of_root(base: Path, root: str) -> list[Path]:
    files = [base / root] if root.endswith(".py") else _files_of_module(base, root)
    if not files or not all(path.is_file() for path in files):
        raise InputError("no such script or module", where=base / root, fix="correct the name in the rule")
    return files


def _files_of_module(base: Path, name: str) -> list[Path]:
    """The files that importing a dotted name runs; none if it is not a module below `base`."""
    steps = name.split(".")
    if steps[0] not in _PACKAGES or name in _APART:
        return []
    folder = base.joinpath(*steps)
    own = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    if not own.is_file():
        return []
    above = [base.joinpath(*steps[:count], "__init__.py") for count in range(1, len(steps))]
    return [*(path for path in above if path.is_file()), own]


@cache
def _imported(base: Path, path: Path, changed: int) -> Sequence[Path]:
    """The files named by the import statements of one file; `changed`, its time, distinguishes its versions."""
    package = path.relative_to(base).parent.parts
    names = _read_version(path, changed).names
    return [file for name in names for file in _files_of_module(base, _absolute(name, package))]


def _absolute(name: str, package: Sequence[str]) -> str:
    """A name that an import statement in a module of `package` gives; leading dots are relative to that."""
    stripped = name.lstrip(".")
    level = len(name) - len(stripped)
    above = package[: len(package) - level + 1] if level else ()
    return ".".join([*above, *([stripped] if stripped else [])])


@cache
def _read_version(path: Path, changed: int) -> _Source:
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        return _Source((), text.encode())
    # One walk of the tree: it takes most of the time of a plan.
    nodes = list(ast.walk(ast.parse(text, filename=str(path))))
    return _Source(tuple(_names(nodes)), _code(text, nodes))


def _names(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Every dotted name that an import statement may load, `from a import b` as `a` and as `a.b`, dots first if it is
    relative."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield module
            yield from (f"{module}{'.' if node.module else ''}{alias.name}" for alias in node.names)


def _code(text: str, nodes: Sequence[ast.AST]) -> bytes:
    """Python without comments, docstrings and blank lines, the same in every version of Python."""
    lines = _without_comments(text)
    docstrings = set(_docstrings(nodes))
    for first, last in docstrings:
        lines[first - 1 : last] = [""] * (last - first + 1)
    inside = _lines_inside_strings(nodes, docstrings)
    kept = (line if number in inside else line.rstrip() for number, line in enumerate(lines, 1))
    return "\n".join(line for number, line in enumerate(kept, 1) if line or number in inside).encode()


def _without_comments(text: str) -> list[str]:
    lines = text.split("\n")
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    return lines


def _docstrings(nodes: Iterable[ast.AST]) -> Iterator[tuple[int, int]]:
    """First and last line, from 1, of each docstring that shares its lines with no other code."""
    for node in nodes:
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        # A docstring that is the whole body is kept: without it the block would be empty.
        if ast.get_docstring(node, clean=False) is not None and len(node.body) > 1:
            first = node.body[0]
            if node.body[1].lineno > first.end_lineno and getattr(node, "lineno", 0) < first.lineno:
                yield first.lineno, first.end_lineno


def _lines_inside_strings(nodes: Iterable[ast.AST], docstrings: Set[tuple[int, int]]) -> set[int]:
    """Lines, from 1, inside strings of several lines except docstrings, where blank lines matter."""
    spans = {
        (node.lineno, node.end_lineno)
        for node in nodes
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
    }
    return {line for first, last in spans - docstrings if last > first for line in range(first, last + 1)}

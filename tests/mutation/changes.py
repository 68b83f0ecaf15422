"""Single changes of a source file, each in one place, each a program that still compiles.

A change replaces the text of one expression or statement; all else keeps its line. What only people read is left
alone: docstrings, annotations, imports, and what a `raise` says; so is `device=`, which a processor cannot tell.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

_COMPARED = {
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.In: "not in",
    ast.NotIn: "in",
}
_COMBINED = {
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "/",
    ast.Div: "*",
    ast.FloorDiv: "*",
    ast.Mod: "*",
    ast.Pow: "*",
    ast.BitAnd: "|",
    ast.BitOr: "&",
}
_OTHER_NAMES = {"min": "max", "max": "min", "argmax": "argmin", "argmin": "argmax", "any": "all", "all": "any"}
_OTHER_NAMES |= {"floor": "ceil", "ceil": "floor", "minimum": "maximum", "maximum": "minimum"}
# Methods whose result may stand in for what they are called on.
_DISPENSABLE = {"clamp", "masked_fill", "float", "double", "long", "detach", "strip", "lower", "eval", "flatten"}


@dataclass(frozen=True)
class Change:
    """Put `new` in the place of the bytes `start` to `end` of a file, in `line` and `column` (both from 1).

    old: what stands there, with what people need beside it to recognise it.
    """

    line: int
    column: int
    start: int
    end: int
    old: str
    new: str

    def apply(self, source: str) -> str:
        """The changed file."""
        data = source.encode()
        return (data[: self.start] + self.new.encode() + data[self.end :]).decode()

    def __str__(self) -> str:
        return f"{self.line}:{self.column}: {' '.join(self.old.split())} -> {' '.join(self.new.split())}"


def changes_of(source: str) -> list[Change]:
    """All changes of a file, by place; those that do not compile are left out."""
    found = {}
    for change in _Finder(source).visit_all():
        if change.old != change.new and _compiles(change.apply(source)):
            found.setdefault((change.start, change.end, change.new), change)
    return sorted(found.values(), key=lambda c: (c.start, c.end))


def _compiles(source: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            compile(source, "changed", "exec")
    except (SyntaxError, ValueError):
        return False
    return True


class _Finder:
    def __init__(self, source: str):
        self.data = source.encode()
        self.tree = ast.parse(source)
        self.lines = [0]
        for line in self.data.splitlines(keepends=True):
            self.lines.append(self.lines[-1] + len(line))

    def visit_all(self) -> Iterator[Change]:
        yield from self._walk(self.tree)

    def _walk(self, node: ast.AST) -> Iterator[Change]:
        if isinstance(node, (ast.Raise, ast.Import, ast.ImportFrom, ast.JoinedStr)):
            return
        yield from self._changes(node)
        for field, value in ast.iter_fields(node):
            if field in ("annotation", "returns", "decorator_list", "bases"):
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from self._walk(child)

    def _span(self, node: ast.AST) -> tuple[int, int]:
        return (
            self.lines[node.lineno - 1] + node.col_offset,
            self.lines[node.end_lineno - 1] + node.end_col_offset,
        )

    def _text(self, node: ast.AST) -> str:
        start, end = self._span(node)
        return self.data[start:end].decode()

    def _replace(self, node: ast.AST, new: str) -> Change:
        start, end = self._span(node)
        return self._change(start, end, self.data[start:end].decode(), new)

    def _change(self, start: int, end: int, old: str, new: str) -> Change:
        line = self.data.count(b"\n", 0, start)
        return Change(line + 1, start - self.lines[line] + 1, start, end, old, new)

    def _changes(self, node: ast.AST) -> Iterator[Change]:
        method = getattr(self, f"_of_{type(node).__name__.lower()}", None)
        return method(node) if method else iter(())

    def _of_compare(self, node: ast.Compare) -> Iterator[Change]:
        for operator, left, right in zip(node.ops, [node.left, *node.comparators], node.comparators):
            yield from self._other_operator(node, left, right, _COMPARED.get(type(operator)))

    def _of_binop(self, node: ast.BinOp) -> Iterator[Change]:
        yield from self._other_operator(node, node.left, node.right, _COMBINED.get(type(node.op)))

    def _other_operator(self, node: ast.AST, left: ast.AST, right: ast.AST, new: str | None) -> Iterator[Change]:
        """Parentheses around the operands stand outside of them, in the text between, and stay."""
        if new is not None:
            start, end = self._span(left)[1], self._span(right)[0]
            between = self.data[start:end].decode()
            changed = between.replace(between.strip("() \n"), new, 1)
            yield self._change(start, end, f"{self._text(left)}{between}{self._text(right)}", changed)

    def _of_augassign(self, node: ast.AugAssign) -> Iterator[Change]:
        sign = _COMBINED.get(type(node.op))
        if sign is not None:
            yield self._replace(node, f"{self._text(node.target)} {sign}= {self._text(node.value)}")
        yield self._replace(node, "pass")

    def _of_unaryop(self, node: ast.UnaryOp) -> Iterator[Change]:
        yield self._replace(node, f"({self._text(node.operand)})")

    def _of_boolop(self, node: ast.BoolOp) -> Iterator[Change]:
        sign = " and " if isinstance(node.op, ast.Or) else " or "
        yield self._replace(node, "(" + sign.join(f"({self._text(value)})" for value in node.values) + ")")

    def _of_ifexp(self, node: ast.IfExp | ast.If) -> Iterator[Change]:
        # Comparisons and negations change by themselves.
        if not isinstance(node.test, (ast.Compare, ast.UnaryOp)):
            yield self._replace(node.test, f"(not ({self._text(node.test)}))")

    _of_if = _of_ifexp

    def _of_constant(self, node: ast.Constant) -> Iterator[Change]:
        value = node.value
        if isinstance(value, bool):
            yield self._replace(node, str(not value))
        elif isinstance(value, int):
            yield self._replace(node, str(value + 1))
            if value > 1:
                yield self._replace(node, str(value - 1))
        elif isinstance(value, float):
            yield self._replace(node, str(2 * value if value else 1.0))

    def _of_call(self, node: ast.Call) -> Iterator[Change]:
        name = node.func
        if isinstance(name, ast.Name) and name.id in _OTHER_NAMES:
            yield self._replace(name, _OTHER_NAMES[name.id])
        elif isinstance(name, ast.Attribute):
            start, end = self._span(name)
            owner = self.data[start:end].decode().removesuffix(name.attr).rstrip().removesuffix(".")
            if name.attr in _OTHER_NAMES:
                yield self._replace(name, f"{owner}.{_OTHER_NAMES[name.attr]}")
            if name.attr in _DISPENSABLE:
                yield self._replace(node, owner)
        for keyword in node.keywords:
            if keyword.arg == "device":
                continue
            start, end = self._span(keyword)
            after = self.data[end:]
            gap = len(after) - len(after.lstrip(b" \n"))
            if after[gap : gap + 1] == b",":
                end += gap + 1
            yield self._change(start, end, self._text(keyword), "")

    def _of_expr(self, node: ast.Expr) -> Iterator[Change]:
        if not isinstance(node.value, (ast.Constant, ast.Yield, ast.YieldFrom)):
            yield self._replace(node, "pass")

    def _of_assign(self, node: ast.Assign) -> Iterator[Change]:
        if all(isinstance(target, (ast.Subscript, ast.Attribute)) for target in node.targets):
            yield self._replace(node, "pass")

"""A comparison of two outputs as lines for a terminal or a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from janus.console import styled
from janus.errors import without_control
from janus.metrics.comparison import Comparison
from janus.metrics.differences import Difference
from janus.report.csvfile import to_markdown
from janus.report.names import METRICS

# How the words of one side alone are marked, where no colour can tell.
_MARKS = {"baseline": ("[-", "-]", "red"), "system": ("{+", "+}", "green")}
_HABITS = {
    "words": "words in a line",
    "length_ratio": "length, of the references'",
    "repetition": "repetition %",
    "empty": "empty lines",
}


def comparison_lines(found: Comparison, *, top: int, colour: bool) -> Iterator[str]:
    """The comparison with the `top` lines that differ most."""
    yield f"A  {found.paths[0]}"
    yield f"B  {found.paths[1]}"
    yield ""
    if found.tests:
        yield tests_line(found.tests, "B ", "A ")
        yield ""
    yield to_markdown(["", "A", "B", "references"], _habit_rows(found)).rstrip("\n")
    yield ""
    yield _counts(found)
    for one in found.differences[:top]:
        yield ""
        yield from _difference_lines(found, one, colour)


def tests_line(tests: dict[str, Any], system: str = "", baseline: str = "") -> str:
    """Both paired tests in one line; `system` and `baseline` stand before their scores."""
    return (
        f"{METRICS[tests['metric']]}: {system}{tests['system']:.2f} against {baseline}{tests['baseline']:.2f}, "
        f"p = {tests['p_value']:.4f} (bootstrap {tests['p_bootstrap']:.4f}, randomisation "
        f"{tests['p_randomisation']:.4f})  [{tests['signature']}]"
    )


def _habit_rows(found: Comparison) -> Iterator[dict[str, object]]:
    columns = {"A": "baseline", "B": "system", "references": "references"}
    for key, name in _HABITS.items():
        values = {head: found.habits.get(side, {}).get(key) for head, side in columns.items()}
        if values["A"] is not None:
            yield {"": name} | {head: _number(key, value) for head, value in values.items()}


def _number(key: str, value: float | None) -> str:
    return "" if value is None else f"{value:.0f}" if key == "empty" else f"{value:.2f}"


def _counts(found: Comparison) -> str:
    total, differ = len(found.outputs[0]), len(found.differences)
    if not found.references:
        return f"{differ} of {total} lines differ" + ("; those that are least alike:" if differ else "")
    if not differ:
        return f"{differ} of {total} lines differ"
    better = sum(one.delta > 0 for one in found.differences)
    worse = sum(one.delta < 0 for one in found.differences)
    return (
        f"{differ} of {total} lines differ: B is better in {better}, A in {worse}, by the score of the sentence "
        f"[{found.signature}]. Where they differ most:"
    )


def _difference_lines(found: Comparison, one: Difference, colour: bool) -> Iterator[str]:
    scores = f"A {one.baseline_score:.1f}, B {one.system_score:.1f} ({one.delta:+.1f})"
    if not found.references:
        scores = f"{one.system_score:.1f} % alike"
    yield styled(f"line {one.line}: {scores}", "bold", colour=colour)
    for name, lines in (("source", found.sources), ("reference", found.references)):
        if lines:
            yield f"  {name:10}{without_control(lines[one.line - 1])}"
    for name, side in (("A", "baseline"), ("B", "system")):
        yield f"  {name:10}{_marked(one, side, colour)}"


def _marked(one: Difference, side: str, colour: bool) -> str:
    """One side's words, those that the other lacks marked."""
    opening, closing, style = _MARKS[side]
    words = [(kind, without_control(text)) for kind, text in one.edits if kind in ("both", side)]
    return " ".join(
        text if kind == "both" else styled(f"{opening}{text}{closing}", style, colour=colour) for kind, text in words
    )

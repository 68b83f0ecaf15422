"""The passes of a refinement on a terminal: what was masked, what changed, and how sure the model was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from janus.console import styled
from janus.errors import without_control
from janus.translator.translator import Pass

_INDENT = "     "


def show_passes(passes: Sequence[Pass], *, width: int, colour: bool) -> Iterator[str]:
    """Lines for a terminal of `width` columns, of each pass its counts and its subwords.

    A subword that was masked stands in brackets, with the probability of the one that was written, and with a star if
    that is another one than before. With `colour`, it is green, yellow or red as it is sure, and the others are grey.
    """
    for number, one in enumerate(passes, 1):
        masked = [value for value, written in zip(one.probabilities, one.masked) if written]
        counts = (
            f"masked {len(masked)} of {len(one.masked)}, changed {sum(one.changed)}"
            if number > 1
            else (f"masked {len(masked)} of {len(one.masked)}")
        )
        sure = f", least sure {min(masked):.0%}" if masked else ""
        yield f"{number:3}  {styled(counts + sure, 'bold', colour=colour)}"
        yield from _wrapped(list(_cells(one)), width, colour)


def _cells(one: Pass) -> Iterator[tuple[str, str]]:
    """The text of each subword and its style."""
    subwords = map(without_control, one.subwords)
    for subword, probability, masked, changed in zip(subwords, one.probabilities, one.masked, one.changed):
        if masked:
            yield f"[{subword}{'*' * changed} {probability:.0%}]", _style(probability)
        else:
            yield f"{subword}{'*' * changed}", "dim"


def _style(probability: float) -> str:
    return "green" if probability >= 0.8 else "yellow" if probability >= 0.5 else "red"


def _wrapped(cells: Sequence[tuple[str, str]], width: int, colour: bool) -> Iterator[str]:
    line, used = [], 0
    for text, style in cells:
        if line and len(_INDENT) + used + len(text) > width:
            yield _INDENT + " ".join(line)
            line, used = [], 0
        line.append(styled(text, style, colour=colour))
        used += len(text) + 1
    if line:
        yield _INDENT + " ".join(line)

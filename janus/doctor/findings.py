"""What `janus doctor` found: a line each, in colour on a terminal."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Literal

State = Literal["ok", "warning", "missing"]
_COLOURS = {"ok": "32", "warning": "33", "missing": "31"}
_WIDEST = max(map(len, _COLOURS))


@dataclass(frozen=True)
class Finding:
    """what: the thing that was looked at. said: what was found. fix: the command or setting that helps; empty if ok."""

    state: State
    what: str
    said: str
    fix: str = ""


def lines_of(findings: Iterable[Finding], *, coloured: bool) -> Iterator[str]:
    """The findings for a reader."""
    for one in findings:
        state = one.state.ljust(_WIDEST)
        if coloured:
            state = f"\033[{_COLOURS[one.state]}m{state}\033[0m"
        yield f"{state}  {one.what}: {one.said}" + (f"; {one.fix}" if one.fix else "")


def wants_colour(stream: IO[str]) -> bool:
    """Whether a stream is a terminal whose user has not turned colours off (NO_COLOR, or a dumb terminal)."""
    return stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"

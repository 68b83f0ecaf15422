"""Output of commands on any terminal."""

import io
import os
import sys
from typing import IO

_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


def tolerate_any_encoding() -> None:
    """Let standard output and standard error escape characters that their encoding cannot represent, such as →.

    Python's standard error does so by default; its standard output raises an exception.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def styled(text: str, style: str, *, colour: bool) -> str:
    """`text` in a style, one of those above, for a terminal; as it is without `colour`."""
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if colour else text


def wants_colour(stream: IO[str]) -> bool:
    """Whether a stream is a terminal that shows colours, and the user has not asked for none (NO_COLOR)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

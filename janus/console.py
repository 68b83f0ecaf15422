"""Output of commands on any terminal."""

import codecs
import io
import json
import os
import sys
from typing import IO, Any

_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


def tolerate_any_encoding() -> None:
    """Let standard output and standard error escape characters that their encoding cannot represent, such as →.

    Python's standard error does so by default; its standard output raises an exception.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def write_data_in_utf8() -> None:
    """Let standard output be UTF-8, as all files of the suite are, unless it is a terminal.

    Escapes, which a reader may take, would change data that programs read: translations, JSON, YAML.
    """
    if isinstance(sys.stdout, io.TextIOWrapper) and not sys.stdout.isatty():
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")


def json_text(value: Any, *, indent: int | None = None) -> str:
    """`value` as JSON for standard output, where a character that its encoding may lack is written as JSON escapes it.

    The escapes of `tolerate_any_encoding` are no JSON.
    """
    utf8 = codecs.lookup(getattr(sys.stdout, "encoding", None) or "utf-8").name == "utf-8"
    return json.dumps(value, indent=indent, ensure_ascii=not utf8)


def replace_closed_output() -> None:
    """Put the null device in place of a standard output or standard error that is closed, for which Python has None."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            # It stays open as long as the process, like the stream that it replaces.
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))


def styled(text: str, style: str, *, colour: bool) -> str:
    """`text` in a style, one of those above, for a terminal; as it is without `colour`."""
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if colour else text


def wants_colour(stream: IO[str]) -> bool:
    """Whether a stream is a terminal that shows colours, and the user has not asked for none (NO_COLOR)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

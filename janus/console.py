"""Output of commands on any terminal."""

import io
import sys


def tolerate_any_encoding() -> None:
    """Let standard output and standard error escape characters that their encoding cannot represent, such as →.

    Python's standard error does so by default; its standard output raises an exception.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")

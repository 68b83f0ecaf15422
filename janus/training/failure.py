"""The cause of a failed training, from its last lines of output."""

import json
import re
import signal
from collections.abc import Sequence

_TRACEBACK = "Traceback (most recent call last):"
_ACCIDENT = "During handling of the above exception, another exception occurred:"
_CHOSEN = "The above exception was the direct cause of the following exception:"
_EXCEPTION = re.compile(r"((?:[A-Za-z_]\w*\.)*[A-Z]\w*)(?:: (.*))?")
_LOG = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(,\d+)? \| ")
_USER = "janus.errors.InputError"
_LENGTH = 300


def cause_of(lines: Sequence[str], status: int) -> tuple[str, bool]:
    """The cause of a training's end with `status` (negative: a signal) and the output `lines`; whether it is bad input.

    The cause is the first exception; exceptions raised while it was handled, such as the StopIteration of the search
    for NaN, are ignored. An exception raised explicitly from another replaces it. Without an exception, the cause is
    the message of a C++ abort or of the command-line parser, the signal, or the last line.
    """
    lines = [line.rstrip() for line in lines]
    exception = _first_exception(lines)
    if exception is not None:
        return _shortened(exception), exception.startswith(_USER)
    for index, line in enumerate(lines):
        if line.startswith("terminate called"):
            what = next((text.strip() for text in lines[index + 1 :] if text.strip().startswith("what():")), "")
            return _shortened(f"{line.strip()} {what}"), False
    usage = next((line for line in reversed(lines) if re.match(r"\S+: error: ", line)), None)
    if usage is not None:
        return _shortened(usage), True
    said = [line.strip() for line in lines if line.strip() and not _is_entry(line)]
    if status < 0:
        return _signal(-status, said), False
    return _shortened(said[-1]) if said else "no output", False


def _first_exception(lines: Sequence[str]) -> str | None:
    """The relevant exception in the last chain of tracebacks."""
    blamed = None
    for start in reversed([index for index, line in enumerate(lines) if line.endswith(_TRACEBACK)]):
        exception = _exception_after(lines, start + 1)
        # The traceback of a rank is part of the message of the exception that reports it.
        if exception is None:
            continue
        blamed = exception
        before = next((line for line in reversed(lines[:start]) if line.strip()), "")
        if before != _ACCIDENT or blamed.startswith(_USER):
            break
    return blamed


def _exception_after(lines: Sequence[str], start: int) -> str | None:
    """`Type: message` at the end of the traceback whose frames begin at `start`, on one line."""
    for index in range(start, len(lines)):
        if lines[index].endswith(_TRACEBACK):
            return None
        if not lines[index].startswith((" ", "\t")) and _EXCEPTION.fullmatch(lines[index]):
            more = []
            for line in lines[index + 1 :]:
                if not line.strip() or line in (_ACCIDENT, _CHOSEN) or _LOG.match(line):
                    break
                more.append(line.strip())
            return " ".join([lines[index], *more])
    return None


def _link_before(lines: Sequence[str], start: int) -> str | None:
    """The line that links a traceback to the one before it."""
    return next((line for line in reversed(lines[:start]) if line.strip()), None)


def _is_entry(line: str) -> bool:
    head, brace, tail = line.partition("{")
    if not brace or not _LOG.match(head):
        return False
    try:
        json.loads("{" + tail)
    except (ValueError, RecursionError):
        return False
    return True


def _signal(number: int, said: Sequence[str]) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    if number == signal.SIGKILL:
        return f"killed by {name}, as the system does where memory runs out"
    return _shortened(f"killed by {name}; its last line: {said[-1]}" if said else f"killed by {name}")


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LENGTH else text[: _LENGTH - 1] + "…"

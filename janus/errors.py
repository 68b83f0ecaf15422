"""The errors for wrong user input and for failed work."""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

# Line breaks, and what a terminal takes for a command; a name of a file may hold any of them.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class InputError(ValueError):
    """Bad input: a file, a config entry, an option.

    The message is one line that says what is wrong, where, and how to fix it.
    Command-line entries print it without a traceback; library callers may catch it as a ValueError.

    >>> str(InputError("the file is empty", where="corpus/train.de", fix="restore it from the download"))
    'corpus/train.de: the file is empty; restore it from the download'
    """

    def __init__(self, what: str, *, where: object, fix: str):
        super().__init__(without_control(f"{where}: {what}; {fix}"))
        self.what, self.where, self.fix = what, where, fix

    def __reduce__(self) -> tuple:
        """Support pickling, so that a worker process can send it to its parent."""
        return partial(type(self), where=self.where, fix=self.fix), (self.what,)


class JobError(RuntimeError):
    """Work that failed although its input was valid: a child process that crashed, a full disk.

    Built and printed like an InputError: one line that says what happened, where to look, and what to do.
    """

    def __init__(self, what: str, *, where: object, fix: str):
        super().__init__(without_control(f"{where}: {what}; {fix}"))
        self.what, self.where, self.fix = what, where, fix

    def __reduce__(self) -> tuple:
        """Support pickling, so that a worker process can send it to its parent."""
        return partial(type(self), where=self.where, fix=self.fix), (self.what,)


def without_control(text: str) -> str:
    """`text` on one line, safe for a terminal: control characters, and marks of direction, as Python writes them.

    >>> without_control("a\\nb")
    'a\\\\nb'
    """
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


class InputErrors(InputError):
    """Several errors at once, one per line."""

    def __init__(self, problems: Sequence[InputError]):
        ValueError.__init__(self, "\n".join(map(str, problems)))
        self.problems = list(problems)

    def __reduce__(self) -> tuple:
        """Support pickling, so that a worker process can send it to its parent."""
        return type(self), (self.problems,)


def require_none(problems: Iterable[InputError]) -> None:
    """Raise the errors in `problems`, if any: a single one as it is, several as InputErrors without duplicates."""
    found = list({str(problem): problem for problem in problems}.values())
    if found:
        raise found[0] if len(found) == 1 else InputErrors(found)


def together(*calls: Callable[[], Any]) -> list[Any]:
    """The results of `calls`. Collects the InputErrors of all calls and raises them together."""
    values: list[Any] = []
    problems: list[InputError] = []
    for call in calls:
        try:
            values.append(call())
        except InputErrors as errors:
            problems += errors.problems
        except InputError as error:
            problems.append(error)
    require_none(problems)
    return values

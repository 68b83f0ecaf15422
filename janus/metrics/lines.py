"""What every corpus score asks of its lines."""

from collections.abc import Sequence

from janus.errors import InputError


def check_lines(hypotheses: Sequence[str], **sides: Sequence[str]) -> None:
    """Refuse what would give a number that means nothing.

    Each of `sides` (references, sources, by name) must have a line for every hypothesis, and none of those lines may
    be empty; a hypothesis may be, since a system may say nothing. Raises InputError with the side and the line.
    """
    for name, lines in sides.items():
        if len(lines) != len(hypotheses):
            raise InputError(
                f"{len(lines)} lines for {len(hypotheses)} hypotheses",
                where=name,
                mend=f"decode the test set again, or give the {name} of this test set",
            )
        for number, line in enumerate(lines, 1):
            if not line.strip():
                raise InputError(
                    "empty line", where=f"{name}:{number}", mend="drop this example from every side of the test set"
                )
    if not hypotheses:
        raise InputError("no line to score", where="hypotheses", mend="decode the test set again")

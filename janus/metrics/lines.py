"""Checks of the lines that a corpus score is computed from."""

from collections.abc import Mapping, Sequence

from janus.errors import InputError


def check_lines(
    hypotheses: Sequence[str], *, places: Mapping[str, object] | None = None, **sides: Sequence[str]
) -> None:
    """Reject lines that would give a meaningless score.

    Each of `sides` (references, sources, by name) must have one line per hypothesis, and none of those lines may be
    empty; a hypothesis may be, since a system may output nothing. Raises InputError with the side and the line, and
    with the file if `places` has it for `hypotheses` or a side.
    """
    places = places or {}
    said = f"hypotheses in {places['hypotheses']}" if "hypotheses" in places else "hypotheses"
    for name, lines in sides.items():
        where = places.get(name, name)
        if len(lines) != len(hypotheses):
            raise InputError(
                f"{len(lines)} lines for {len(hypotheses)} {said}",
                where=where,
                fix=f"decode the test set again, or give the {name} of this test set",
            )
        for number, line in enumerate(lines, 1):
            if not line.strip():
                raise InputError(
                    "empty line", where=f"{where}:{number}", fix="drop this example from every side of the test set"
                )
    _check_some(hypotheses, places.get("hypotheses", "hypotheses"))


def check_as_many(lines: Sequence[str], than: Sequence[str], *, where: object, other: object) -> None:
    """Raise InputError, at `where` the lines come from, unless there are some, and as many as those of `other`."""
    _check_some(lines, where)
    if len(lines) != len(than):
        raise InputError(
            f"{len(lines)} lines, {other} has {len(than)}", where=where, fix="compare outputs of one test set"
        )


def _check_some(lines: Sequence[str], where: object) -> None:
    if not lines:
        raise InputError("no lines to score", where=where, fix="decode the test set again")

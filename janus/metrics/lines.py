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
    if not hypotheses:
        raise InputError(
            "no lines to score", where=places.get("hypotheses", "hypotheses"), fix="decode the test set again"
        )

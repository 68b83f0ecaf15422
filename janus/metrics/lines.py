"""What every corpus score asks of its lines."""

from collections.abc import Mapping, Sequence

from janus.errors import InputError


def check_lines(
    hypotheses: Sequence[str], *, places: Mapping[str, object] | None = None, **sides: Sequence[str]
) -> None:
    """Refuse what would give a number that means nothing.

    Each of `sides` (references, sources, by name) must have a line for every hypothesis, and none of those lines may
    be empty; a hypothesis may be, since a system may say nothing. Raises InputError with the side and the line, and
    with the file where `places` has it for `hypotheses` or a side.
    """
    places = places or {}
    said = f"hypotheses in {places['hypotheses']}" if "hypotheses" in places else "hypotheses"
    for name, lines in sides.items():
        where = places.get(name, name)
        if len(lines) != len(hypotheses):
            raise InputError(
                f"{len(lines)} lines for {len(hypotheses)} {said}",
                where=where,
                mend=f"decode the test set again, or give the {name} of this test set",
            )
        for number, line in enumerate(lines, 1):
            if not line.strip():
                raise InputError(
                    "empty line", where=f"{where}:{number}", mend="drop this example from every side of the test set"
                )
    if not hypotheses:
        raise InputError(
            "no line to score", where=places.get("hypotheses", "hypotheses"), mend="decode the test set again"
        )

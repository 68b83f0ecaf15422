"""Checks of the text against the tables: one function per relation in `text.csv`."""

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from math import prod

from janus.errors import InputError
from janus.report.published import Claim, Published, place_of

# A value and a description of its place.
Operand = tuple[str, Decimal]
# The verdict and the computation behind it.
Outcome = tuple[str, str]

AGREES, LOOSE, CONTRADICTS, UNCHECKED = "agrees", "loose", "contradicts", "unchecked"


def check_claim(claim: Claim, published: Published) -> Outcome:
    """Verdict on one claim. Raises InputError for an unknown relation or a reference to no cell."""
    if claim.relation not in _RELATIONS:
        raise InputError(
            f"unknown relation {claim.relation!r}",
            where=f"text.csv: {claim.id}",
            fix=f"use one of: {', '.join(_RELATIONS)}",
        )
    left, right = _operands(claim, published)
    try:
        return _RELATIONS[claim.relation](claim, left, right)
    # Each relation needs operands and a value of its own.
    except (ValueError, ArithmeticError) as error:
        raise InputError(
            f"{len(left)} and {len(right)} operands and the value {claim.value!r} do not make {claim.relation!r}",
            where=f"text.csv: {claim.id}",
            fix="complete the record as the README of the folder explains",
        ) from error


def _operands(claim: Claim, published: Published) -> tuple[list[Operand], list[Operand]]:
    if claim.right and len(claim.left) == len(claim.right):
        pairs = [_pairs(*sides, published) for sides in zip(claim.left, claim.right, strict=True)]
        flat = [pair for group in pairs for pair in group]
        return [left for left, _ in flat], [right for _, right in flat]
    return [_value(one, published) for one in claim.left], [_value(one, published) for one in claim.right]


def _pairs(left: str, right: str, published: Published) -> list[tuple[Operand, Operand]]:
    """Both sides of a comparison; `*` means each score column where both rows have a number."""
    if not left.endswith("/*"):
        return [(_value(left, published), _value(right, published))]
    (table, row, _), (other, baseline, _) = (place_of(side, "text.csv") for side in (left, right))
    columns = [
        column
        for column in published.score_columns(table)
        if published.find(table, row, column).value is not None
        and published.find(other, baseline, column).value is not None
    ]
    return [
        (_value(f"{table}/{row}/{column}", published), _value(f"{other}/{baseline}/{column}", published))
        for column in columns
    ]


def _value(reference: str, published: Published) -> Operand:
    if reference.startswith("text/"):
        name = reference.removeprefix("text/")
        if name not in published.claims:
            raise InputError("no such claim", where=f"text.csv: {reference}", fix="refer to an id of text.csv")
        if not (value := published.claims[name].value) or ".." in value:
            raise InputError(
                "refers to a claim without a number", where=f"text.csv: {reference}", fix="refer to another"
            )
        return name, Decimal(value)
    cell = published.find(*place_of(reference, "text.csv"))
    if cell.value is None:
        raise InputError("refers to a cell without a number", where=cell.place, fix="refer to another cell")
    return f"{cell.row}, {cell.column}", cell.value


def _equals(claim: Claim, left: list[Operand], right: list[Operand]) -> Outcome:
    ((place, value),) = left
    return _verdict(value == Decimal(claim.value)), f"{value} in {place}"


def _gain_equals(claim: Claim, left: list[Operand], right: list[Operand]) -> Outcome:
    gain = _mean_gain(left, right)
    return _verdict(gain == Decimal(claim.value)), f"{left[0][1]} - {right[0][1]} = {gain}"


def _mean_gain_above(claim: Claim, left: list[Operand], right: list[Operand]) -> Outcome:
    gain = _mean_gain(left, right)
    return _verdict(gain > Decimal(claim.value)), f"mean gain {_short(gain)} over {len(left)} column(s)"


def _mean_gain_near(claim: Claim, left: list[Operand], right: list[Operand]) -> Outcome:
    gain = _mean_gain(left, right)
    near = abs(gain - Decimal(claim.value)) <= Decimal(claim.tolerance)
    return AGREES if near else LOOSE, f"mean gain {_short(gain)} over {len(left)} column(s)"


def _each_above(claim: Claim, left: list[Operand], right: list[Operand]) -> Outcome:
    failures = [
        f"{place} {value} {'=' if value == other else '<'} {other}"
        for (place, value), (_, other) in zip(left, right, strict=True)
        if value <= other
    ]
    return _verdict(not failures), "; ".join(failures) or f"holds in {len(left)} of {len(left)}"


def _each_at_least(claim: Claim, left: list[Operand], right: list[Operand]) -> Outcome:
    failures = [f"{place} {value}" for place, value in left if value < Decimal(claim.value)]
    return _verdict(not failures), "; ".join(failures) or f"holds in {len(left)} of {len(left)}"


def _product(claim: Claim, left: list[Operand], right: list[Operand]) -> Outcome:
    value = prod(value for _, value in left)
    return _verdict(value == Decimal(claim.value)), f"{' × '.join(str(value) for _, value in left)} = {value}"


def _ratio_between(claim: Claim, left: list[Operand], right: list[Operand]) -> Outcome:
    low, high = (Decimal(bound) for bound in claim.value.split(".."))
    ratio = prod(value for _, value in left) / prod(value for _, value in right)
    whole = ratio.quantize(Decimal(1), ROUND_HALF_UP)
    return _verdict(low <= whole <= high), f"ratio {_short(ratio)}"


def _stated(claim: Claim, left: list[Operand], right: list[Operand]) -> Outcome:
    return UNCHECKED, "nothing in the tables to check against"


def _mean_gain(left: list[Operand], right: list[Operand]) -> Decimal:
    gains = [ours - theirs for (_, ours), (_, theirs) in zip(left, right, strict=True)]
    return sum(gains, Decimal(0)) / len(gains)


def _short(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"), ROUND_HALF_UP)


def _verdict(holds: bool) -> str:
    return AGREES if holds else CONTRADICTS


_RELATIONS: dict[str, Callable[[Claim, list[Operand], list[Operand]], Outcome]] = {
    "equals": _equals,
    "gain equals": _gain_equals,
    "mean gain above": _mean_gain_above,
    "mean gain near": _mean_gain_near,
    "each above": _each_above,
    "each at least": _each_at_least,
    "product": _product,
    "ratio between": _ratio_between,
    "stated": _stated,
}

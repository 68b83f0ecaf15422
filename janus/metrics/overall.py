"""OVERALL, the last score column of the paper's Tables 2, 4, 5, 7 and 8."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal

from janus.metrics.scores import Scores


def overall(values: Sequence[float | Decimal], decimals: Sequence[int]) -> Decimal:
    """The mean of the columns as printed, each rounded to its number of `decimals`; the mean is rounded to two.

    >>> overall([50.334, 40.11, 1.24, 7.31], [2, 2, 1, 1])
    Decimal('24.74')
    """
    printed = [_rounded(Decimal(value), places) for value, places in zip(values, decimals, strict=True)]
    return _rounded(sum(printed, Decimal()) / len(printed), 2)


def with_overall(scores: Scores, columns: Sequence[str], decimals: Mapping[str, int] | None = None) -> Scores:
    """`scores` and, as `overall`, the mean of those in `columns`, which have two printed decimals by default."""
    places = [(decimals or {}).get(name, 2) for name in columns]
    value = float(overall([scores[name]["value"] for name in columns], places))
    signature = f"mean of printed {', '.join(f'{name} ({n})' for name, n in zip(columns, places, strict=True))}"
    return scores | {"overall": {"value": value, "signature": signature}}


def _rounded(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)

"""A mean over seeds with its confidence interval."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

# scipy.stats takes seconds to import, which every plan of the workflow would wait for.
from scipy.special import stdtrit


@dataclass(frozen=True)
class Interval:
    """The mean of `count` values and the half width of its confidence interval, None for a single value."""

    mean: float
    half_width: float | None
    count: int


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Mean and Student-t interval of independent runs. Raises ValueError where there is no value."""
    if not values:
        raise ValueError("a mean of no values")
    count = len(values)
    mean = statistics.fmean(values)
    if count == 1:
        return Interval(mean, None, 1)
    error = statistics.stdev(values) / count**0.5
    return Interval(mean, float(stdtrit(count - 1, (1 + confidence) / 2)) * error, count)

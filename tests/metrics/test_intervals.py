"""The interval over seeds against scipy's own and by simulation."""

import numpy as np
import pytest
from scipy import stats

from janus.metrics.intervals import mean_interval


@pytest.mark.parametrize("values", [[34.1, 34.6, 33.9], [1.0, 2.0], [5.0] * 3 + [6.0]])
def test_it_is_the_student_interval(values: list[float]) -> None:
    interval = mean_interval(values)
    low, high = stats.t.interval(0.95, len(values) - 1, loc=np.mean(values), scale=stats.sem(values))
    assert (interval.mean - interval.half_width, interval.mean + interval.half_width) == pytest.approx((low, high))
    assert interval.count == len(values)


def test_one_run_gives_no_interval() -> None:
    interval = mean_interval([36.8])
    assert (interval.mean, interval.half_width, interval.count) == (36.8, None, 1)


def test_no_run_is_an_error() -> None:
    with pytest.raises(ValueError, match="no values"):
        mean_interval([])


def test_it_covers_the_truth_95_times_in_100() -> None:
    rng = np.random.default_rng(0)
    runs = rng.normal(30, 0.5, size=(2000, 3))
    covered = [abs(mean_interval(list(run)).mean - 30) <= mean_interval(list(run)).half_width for run in runs]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.02)

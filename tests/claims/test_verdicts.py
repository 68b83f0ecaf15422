"""The rule of docs/claims.md, case by case."""

import pytest

from janus.claims.effects import Effect
from janus.claims.verdicts import CONTRADICTED, SUPPORTED, UNDECIDED, Verdict, judge, side_of


def effect(low: float, high: float, seeds: int = 3) -> Effect:
    """An effect of one or more seeds with an interval of these ends, all of it from the sentences."""
    error = (high - low) / 2 / 1.959963985
    return Effect((low + high) / 2, None if seeds == 1 else 0.0, seeds - 1, error, seeds)


@pytest.mark.parametrize(
    ("low", "high", "bound", "above", "below"),
    [
        (0.1, 1.0, 0.0, SUPPORTED, CONTRADICTED),
        (-1.0, -0.1, 0.0, CONTRADICTED, SUPPORTED),
        (-0.1, 1.0, 0.0, UNDECIDED, UNDECIDED),
        # A margin: not better, and not worse by more than half a point.
        (-0.4, 0.2, -0.5, SUPPORTED, CONTRADICTED),
        (-0.6, 0.2, -0.5, UNDECIDED, UNDECIDED),
        (-1.6, -0.6, -0.5, CONTRADICTED, SUPPORTED),
        # More than a point below.
        (-0.9, -0.1, -1.0, SUPPORTED, CONTRADICTED),
    ],
)
def test_an_interval_wholly_beyond_the_bound_decides(
    low: float, high: float, bound: float, above: str, below: str
) -> None:
    assert (side_of(effect(low, high), bound, 1), side_of(effect(low, high), bound, -1)) == (above, below)
    assert judge([effect(low, high)], bound, 1) == Verdict(above)


def test_an_interval_that_touches_the_bound_does_not() -> None:
    assert side_of(Effect(0.0, 0.0, 2, 0.0, 3), 0.0, 1) == UNDECIDED


def test_a_ratio_is_held_against_its_bound_as_a_ratio() -> None:
    assert side_of(Effect(1.0, 0.01, 2, 0.0, 3, log=True), 2.0, 1) == SUPPORTED
    assert side_of(Effect(0.5, 0.01, 2, 0.0, 3, log=True), 2.0, 1) == CONTRADICTED
    assert side_of(Effect(1.0, None, 0, 0.0, 1, log=True), 2.0, 1) == UNDECIDED


def test_corpora_are_judged_by_their_mean() -> None:
    assert judge([effect(0.5, 2.5), effect(-0.2, 2.0)], 0.0, 1) == Verdict(SUPPORTED)
    assert judge([effect(-0.5, 1.0), effect(-0.9, 0.9)], 0.0, 1) == Verdict(UNDECIDED)


def test_corpora_that_contradict_each_other_decide_nothing() -> None:
    verdict = judge([effect(8.0, 9.0), effect(7.0, 9.0), effect(-2.0, -1.0)], 0.0, 1)
    assert str(verdict) == "undecided: the opposite on 1 of 3 corpora"


def test_one_seed_decides_nothing_and_says_where_the_sentences_lean() -> None:
    assert str(judge([effect(0.5, 1.5, seeds=1)], 0.0, 1)) == "undecided: one seed, leans supported"
    assert str(judge([effect(0.5, 1.5, seeds=1)], 0.0, -1)) == "undecided: one seed, leans contradicted"
    assert str(judge([effect(-0.5, 1.5, seeds=1)], 0.0, 1)) == "undecided: one seed"
    assert str(judge([effect(0.5, 1.5, seeds=1), effect(0.5, 1.5)], 0.0, 1)) == "undecided: one seed, leans supported"


def test_degenerate_output_decides_nothing() -> None:
    assert str(judge([effect(0.5, 1.5)], 0.0, 1, degenerate=True)) == "undecided: degenerate output"
    assert str(judge([effect(-0.5, 1.5)], 0.0, 1, degenerate=True)) == "undecided"

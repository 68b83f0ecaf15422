"""Intervals on simulated studies whose effect is known: coverage, symmetry, and what they do not depend on."""

import math

import numpy as np
import pytest
from claims.simulation import Study

from janus.claims.effects import Effect, mean_effect, paired_effect, ratio_effect
from janus.claims.verdicts import CONTRADICTED, SUPPORTED, UNDECIDED, side_of
from janus.metrics.sentence_statistics import bleu_of_sums

STUDIES = 300
# Five of these 300 studies in a hundred may miss; so few more than that are chance (a binomial's 0.1 %).
LEAST = 0.91


def effect_of(left: np.ndarray, right: np.ndarray, resamples: int = 200) -> Effect:
    return paired_effect(left, right, bleu_of_sums, resamples=resamples)


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize("spread", [0.0, 0.01, 0.03])
def test_intervals_hold_the_true_effect_in_95_of_100_studies(seeds: int, spread: float) -> None:
    study, generator = Study(seeds=seeds, gain=0.02, spread=spread, sentences=100), np.random.default_rng(7)
    truth = study.true_effect(generator)
    held = 0
    for _ in range(STUDIES):
        effect = effect_of(*study.draw(generator))
        held += effect.low <= truth <= effect.high
    assert held / STUDIES >= LEAST


@pytest.mark.slow
def test_the_interval_of_a_mean_over_corpora_holds_it_too() -> None:
    study, generator = Study(seeds=3, gain=0.02, spread=0.02, sentences=100), np.random.default_rng(8)
    truth = study.true_effect(generator)
    held = 0
    for _ in range(STUDIES // 2):
        pooled = mean_effect([effect_of(*study.draw(generator)) for _ in range(3)])
        held += pooled.low <= truth <= pooled.high
    assert held / (STUDIES // 2) >= LEAST - 0.02


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [3, 5])
def test_no_verdict_comes_from_noise(seeds: int) -> None:
    study, generator = Study(seeds=seeds, spread=0.01, sentences=100), np.random.default_rng(9)
    words = [side_of(effect_of(*study.draw(generator)), 0.0, 1) for _ in range(STUDIES)]
    assert words.count(UNDECIDED) / STUDIES >= LEAST
    # Neither side is favoured beyond chance.
    assert abs(words.count(SUPPORTED) - words.count(CONTRADICTED)) <= 12


def test_a_large_effect_is_found() -> None:
    study, generator = Study(seeds=3, gain=0.1, spread=0.005, sentences=200), np.random.default_rng(10)
    assert all(side_of(effect_of(*study.draw(generator)), 0.0, 1) == SUPPORTED for _ in range(20))


def drawn(seeds: int = 3) -> tuple[np.ndarray, np.ndarray]:
    return Study(seeds=seeds, gain=0.1, spread=0.005, sentences=150).draw(np.random.default_rng(11))


def close(one: Effect, other: Effect, tolerance: float) -> bool:
    """The same effect and seeds' error, and a sentences' error that is equal within a share of it."""
    assert (one.value, one.seed_error, one.freedom) == pytest.approx((other.value, other.seed_error, other.freedom))
    return math.isclose(one.sentence_error, other.sentence_error, rel_tol=tolerance)


def test_equal_calls_give_equal_results() -> None:
    left, right = drawn()
    assert effect_of(left, right) == effect_of(left.copy(), right.copy())


def test_swapped_sides_turn_the_effect_round() -> None:
    left, right = drawn()
    there, back = effect_of(left, right, 2000), effect_of(right, left, 2000)
    assert (there.value, there.seed_error) == pytest.approx((-back.value, back.seed_error))
    assert there.sentence_error == pytest.approx(back.sentence_error)
    verdicts = [side_of(there, 0.0, 1), side_of(back, 0.0, 1), side_of(there, 0.0, -1), side_of(back, 0.0, -1)]
    assert verdicts == [SUPPORTED, CONTRADICTED, CONTRADICTED, SUPPORTED]


def test_the_order_of_seeds_and_of_sentences_does_not_matter() -> None:
    left, right = drawn(5)
    plain = effect_of(left, right, 2000)
    seeds = [3, 1, 4, 0, 2]
    assert close(effect_of(left[seeds], right[seeds], 2000), plain, 1e-9)
    sentences = np.random.default_rng(12).permutation(left.shape[1])
    # The resamples are other ones then, so that the sentences' error moves within its own.
    assert close(effect_of(left[:, sentences], right[:, sentences], 2000), plain, 0.08)


def test_pairing_counts() -> None:
    left, right = drawn()
    # Sentences of one side put in another order: what both sides share does not cancel any longer.
    loose = effect_of(left, np.roll(right, 1, axis=1), 2000)
    assert loose.value == pytest.approx(effect_of(left, right).value)
    assert loose.sentence_error > effect_of(left, right, 2000).sentence_error
    # Seeds that move together differ little.
    base = np.random.default_rng(13).normal(size=5)
    paired = ratio_effect(np.exp(base + 0.1), np.exp(base))
    assert paired.seed_error == pytest.approx(0, abs=1e-12) and paired.point == pytest.approx(math.exp(0.1))


def test_the_sentences_error_is_that_of_the_mean_over_seeds() -> None:
    """A mean over items has a known standard error; the same items in each seed add nothing to it."""
    values = np.random.default_rng(14).normal(size=400)
    left = np.stack([values, np.ones(400)], axis=1)[None].repeat(3, axis=0)
    right = np.stack([np.zeros(400), np.ones(400)], axis=1)[None].repeat(3, axis=0)
    effect = paired_effect(left, right, lambda sums: sums[..., 0] / sums[..., 1], resamples=4000)
    assert effect.sentence_error == pytest.approx(values.std(ddof=1) / 20, rel=0.05)
    assert effect.seed_error == 0 and effect.half_width == pytest.approx(1.96 * effect.sentence_error, rel=1e-3)


def test_one_seed_says_nothing_of_the_draw_of_the_training() -> None:
    left, right = drawn(1)
    effect = effect_of(left, right)
    assert effect.seed_error is None and effect.seeds == 1
    assert effect.half_width == pytest.approx(1.96 * effect.sentence_error, rel=1e-3)
    speed = ratio_effect([60.0], [20.0])
    assert speed.point == pytest.approx(3) and speed.low is None and speed.high is None
    assert mean_effect([effect, effect_of(*drawn(3))]).seed_error is None


def test_a_ratio_has_the_interval_of_its_logarithm() -> None:
    effect = ratio_effect([40.0, 44.0, 39.0], [20.0, 20.0, 20.0])
    logs = np.log([2.0, 2.2, 1.95])
    half = 4.30265 * logs.std(ddof=1) / math.sqrt(3)
    assert (effect.low, effect.high) == pytest.approx((math.exp(logs.mean() - half), math.exp(logs.mean() + half)))
    # Half as fast is as far from 1 as twice as fast.
    back = ratio_effect([20.0, 20.0, 20.0], [40.0, 44.0, 39.0])
    assert (back.low, back.high) == pytest.approx((1 / effect.high, 1 / effect.low))


def test_the_mean_of_one_corpus_is_that_corpus_and_of_equal_ones_it_is_surer() -> None:
    effect = effect_of(*drawn())
    alone = mean_effect([effect])
    assert (alone.value, alone.half_width) == pytest.approx((effect.value, effect.half_width))
    pooled = mean_effect([effect] * 4)
    assert pooled.value == pytest.approx(effect.value) and pooled.freedom == pytest.approx(4 * effect.freedom)
    assert pooled.half_width < effect.half_width / 2


@pytest.mark.parametrize(("left", "right"), [((3, 9, 10), (2, 9, 10)), ((3, 9, 10), (3, 8, 10)), ((0, 9, 10),) * 2])
def test_statistics_that_do_not_pair_are_refused(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="statistics of the shapes"):
        paired_effect(np.ones(left), np.ones(right), bleu_of_sums)

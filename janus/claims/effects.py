"""The effect of one row over another with a 95 % interval, from few seeds and many test sentences.

Two things make an effect uncertain: the draw of the training (the seed) and the draw of the test sentences. The
bootstrap is hierarchical: seeds, paired, and within them sentences, the same for both sides and every seed, since all
runs decode one test set. Its sentence level is done by resampling. Its seed level is not: few seeds have too few
resamples, and their variance, with n instead of n - 1 and normal quantiles, gives intervals with far too low coverage.
The two variances are therefore kept separate, each with its own quantile:

    half width^2 = (t_df * seed error)^2 + (z * sentence error)^2

with df the degrees of freedom of the seeds. docs/claims.md reports the coverage of this method and of alternatives.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, t

CONFIDENCE = 0.95
_Z = float(norm.ppf((1 + CONFIDENCE) / 2))
# Resamples computed at a time: a block of counts takes this many times the memory of the test set.
_BLOCK = 250
_SEED = 12345


@dataclass(frozen=True)
class Effect:
    """An effect with its interval and the components of the interval.

    `seed_error` is the standard error due to the seed, None if there is only one; `freedom` its degrees of freedom.
    `sentence_error` is due to the test sentences, 0 if none are involved. With `log`, `value` and errors are those of
    the logarithm of a ratio; `point`, `low` and `high` never are.
    """

    value: float
    seed_error: float | None
    freedom: float
    sentence_error: float
    seeds: int
    log: bool = False

    @property
    def half_width(self) -> float | None:
        """Half of the interval, on the scale of `value`; None if its width is unknown.

        With one seed it covers only the draw of the sentences.
        """
        if self.seed_error is None:
            return _Z * self.sentence_error or None
        quantile = float(t.ppf((1 + CONFIDENCE) / 2, self.freedom))
        return math.hypot(quantile * self.seed_error, _Z * self.sentence_error)

    @property
    def point(self) -> float:
        """The effect itself."""
        return self._shown(self.value)

    @property
    def low(self) -> float | None:
        """Lower end of the interval."""
        return None if self.half_width is None else self._shown(self.value - self.half_width)

    @property
    def high(self) -> float | None:
        """Upper end of the interval."""
        return None if self.half_width is None else self._shown(self.value + self.half_width)

    def _shown(self, value: float) -> float:
        return math.exp(value) if self.log else value


def paired_effect(
    left: NDArray, right: NDArray, score: Callable[[NDArray], NDArray], *, resamples: int = 2000
) -> Effect:
    """The mean over seeds of score(left) - score(right).

    left, right: statistics [S, N, K] of S seeds, paired, and N sentences, paired; score: sums [..., K] -> [...].
    Results are deterministic. Raises ValueError if the shapes differ or are empty.
    """
    if left.shape != right.shape or not left.size:
        raise ValueError(f"statistics of the shapes {left.shape} and {right.shape}")
    # [2, S, N, K]
    sides = np.stack([left, right])
    by_seed = _difference(score(sides.sum(2)))
    # [R, S]
    resampled = _difference(np.moveaxis(score(_resampled_sums(sides, resamples)), 0, 1))
    return _effect(by_seed, float(resampled.mean(1).std(ddof=1)))


def ratio_effect(numerators: Sequence[float], denominators: Sequence[float]) -> Effect:
    """The geometric mean over seeds of positive numerators over denominators, paired by seed; no sentence is drawn."""
    return _effect(np.log(np.asarray(numerators) / np.asarray(denominators)), 0.0, log=True)


def mean_effect(effects: Sequence[Effect]) -> Effect:
    """The mean of effects on several corpora, each of equal weight, their seeds drawn independently.

    Its degrees of freedom are those of Welch and Satterthwaite; `seeds` is the smallest number of a corpus. If a corpus
    has a single seed, the seed error is unknown.
    """
    count = len(effects)
    errors = [one.seed_error for one in effects]
    known = [error for error in errors if error is not None]
    variances = np.square(known) / count**2
    freedoms = np.array([one.freedom for one in effects if one.seed_error is not None])
    complete = len(known) == count
    total = float(variances.sum())
    return Effect(
        value=math.fsum(one.value for one in effects) / count,
        seed_error=math.sqrt(total) if complete else None,
        freedom=total**2 / float((variances**2 / freedoms).sum()) if complete and total else float(freedoms.sum()),
        sentence_error=math.sqrt(sum(one.sentence_error**2 for one in effects)) / count,
        seeds=min(one.seeds for one in effects),
        log=effects[0].log,
    )


def _effect(by_seed: NDArray, sentence_error: float, *, log: bool = False) -> Effect:
    seeds = len(by_seed)
    seed_error = float(by_seed.std(ddof=1)) / math.sqrt(seeds) if seeds > 1 else None
    return Effect(float(by_seed.mean()), seed_error, seeds - 1, sentence_error, seeds, log)


def _difference(scores: NDArray) -> NDArray:
    """[2, ...] -> [...]."""
    return scores[0] - scores[1]


def _resampled_sums(sides: NDArray, resamples: int) -> NDArray:
    """Sums over sentences drawn with replacement, the same for all sides and seeds: [2, S, N, K] -> [R, 2, S, K]."""
    _, _, count, _ = sides.shape
    # [N, 2 S K]
    columns = np.moveaxis(sides, 2, 0).reshape(count, -1)
    generator = np.random.default_rng(_SEED)
    sums = []
    for start in range(0, resamples, _BLOCK):
        drawn = generator.integers(count, size=(min(_BLOCK, resamples - start), count))
        times = np.stack([np.bincount(row, minlength=count) for row in drawn]).astype(float)
        sums.append(times @ columns)
    two, seeds, _, width = sides.shape
    return np.concatenate(sums).reshape(resamples, two, seeds, width)

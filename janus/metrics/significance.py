"""Significance of a difference between a system and its baseline: two paired tests, of which the stricter counts.

The paper (section 5.1, footnote 8) uses Moses' `bootstrap-hypothesis-difference-significance.pl`, which sacreBLEU's
paired bootstrap replicates: p is the share of resamples whose absolute difference, less its mean over them, reaches
the observed one. For a clear difference this is one tail of the normal distribution, so p < 0.01 occurs in up to 2 % of
cases without a true difference. The second test is the two-sided paired approximate randomisation of sacreBLEU (Riezler
and Maxwell, 2005): outputs are swapped between the systems at random, and p is the share of trials whose absolute
difference reaches the observed one.

Both use the random draws of sacreBLEU and give its numbers, with one difference: a resample that equals the observed
difference counts, as in Moses' script. sacreBLEU does not count it, and calls two equal outputs significantly
different. Scores that are means over items use the same tests, so that p has the same meaning in every table.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from sacrebleu.metrics import BLEU
from sacrebleu.significance import estimate_ci

from janus.errors import InputError
from janus.metrics.translation import hide_unknown, token_bleu

Tests = dict[str, float | int | str]
# Sums of sufficient statistics [R, K] -> scores [R]
_Scores = Callable[[NDArray], NDArray]

_BLOCK = 500
# The largest difference between sums of the same numbers in different orders.
_ROUNDING = 1e-9


def compare_outputs(
    baseline: Sequence[str],
    system: Sequence[str],
    references: Sequence[str],
    *,
    metric: BLEU | None = None,
    samples: int = 1000,
    trials: int = 10000,
    seed: int = 12345,
) -> Tests:
    """Compare two outputs of one test set; results are deterministic.

    All three are line-aligned, and in the form that `metric`, by default `token_bleu()`, expects.

    Returns `baseline` and `system` (the two scores), `delta` (their difference, above 0 where the system is better),
    `p_bootstrap` (from `samples` resamples), `p_randomisation` (from `trials` trials), `p_value` (the larger), `mean`
    and `ci` (of the system's score over the resamples; half of the 95 % interval), `seed`, `signature`. Raises
    InputError where the counts of lines differ or are zero.
    """
    if not len(baseline) == len(system) == len(references) or not references:
        raise InputError(
            f"{len(baseline)}, {len(system)} and {len(references)} lines of baseline, system and references",
            where="significance",
            fix="decode both on the same test set",
        )
    metric = metric or token_bleu()
    gold = [hide_unknown(references)]
    # sacreBLEU's sufficient statistics and formula; BLEU is not reimplemented here.
    sides = [np.asarray(metric._extract_corpus_statistics(list(side), gold)) for side in (baseline, system)]

    def scores(sums: NDArray) -> NDArray:
        return np.array([metric._compute_score_from_stats(row.tolist()).score for row in sums])

    result = _compare(*sides, scores, samples=samples, trials=trials, seed=seed)
    return result | {"signature": f"{metric.get_signature()}|{_signature(samples, trials, seed)}"}


def compare_means(
    baseline: Sequence[float], system: Sequence[float], *, samples: int = 1000, trials: int = 10000, seed: int = 12345
) -> Tests:
    """As `compare_outputs`, for a score that is the mean over items.

    Item i of both sides belongs to the same example. Returns what `compare_outputs` returns; `signature` tells samples,
    trials and seed. Raises InputError where the counts of items differ or are zero, and where an item is NaN or
    infinite.
    """
    if len(baseline) != len(system) or not baseline:
        raise InputError(
            f"{len(baseline)} and {len(system)} items of baseline and system",
            where="significance",
            fix="decode both on the same test set",
        )
    sides = [np.asarray(side, dtype=float)[:, None] for side in (baseline, system)]
    if not all(np.isfinite(side).all() for side in sides):
        # Comparisons with NaN are false, so no resample would count against a difference.
        raise InputError("a score is not a finite number", where="significance", fix="score both outputs again")
    result = _compare(*sides, lambda sums: sums[:, 0] / len(baseline), samples=samples, trials=trials, seed=seed)
    return result | {"signature": _signature(samples, trials, seed)}


def _signature(samples: int, trials: int, seed: int) -> str:
    return f"bs:{samples}|ar:{trials}|seed:{seed}"


def _compare(
    baseline: NDArray, system: NDArray, scores: _Scores, *, samples: int, trials: int, seed: int
) -> dict[str, float | int]:
    """Both tests on sufficient statistics [N, K] of the sentences."""
    before, after = (float(scores(side.sum(0, keepdims=True))[0]) for side in (baseline, system))
    p_bootstrap, resampled = _bootstrap(baseline, system, scores, abs(after - before), samples, seed)
    p_randomisation = _randomisation(baseline, system, scores, abs(after - before), trials, seed)
    mean, half_width = estimate_ci(resampled)
    return {
        "baseline": before,
        "system": after,
        "delta": after - before,
        "p_value": max(p_bootstrap, p_randomisation),
        "p_bootstrap": p_bootstrap,
        "p_randomisation": p_randomisation,
        "mean": float(mean),
        "ci": float(half_width),
        "samples": samples,
        "trials": trials,
        "seed": seed,
    }


def _bootstrap(
    baseline: NDArray, system: NDArray, scores: _Scores, observed: float, samples: int, seed: int
) -> tuple[float, NDArray]:
    """Moses' p, and the system's scores [R] over the resamples."""
    count = len(system)
    drawn = np.random.default_rng(seed).choice(count, size=(samples, count), replace=True)
    times = np.stack([np.bincount(row, minlength=count) for row in drawn])
    before, after = scores(_sums(times, baseline)), scores(_sums(times, system))
    differences = np.abs(after - before)
    return _share(differences - differences.mean(), observed), after


def _randomisation(
    baseline: NDArray, system: NDArray, scores: _Scores, observed: float, trials: int, seed: int
) -> float:
    """The two-sided p of swapping each pair of outputs with probability 1/2."""
    swapped = np.random.default_rng(seed).integers(2, size=(trials, len(system)), dtype=bool)
    total = baseline.sum(0) + system.sum(0)
    one = _sums(swapped, baseline) + _sums(~swapped, system)
    return _share(np.abs(scores(one) - scores(total - one)), observed)


def _sums(times: NDArray, statistics: NDArray) -> NDArray:
    """Sums of statistics [N, K] with multiplicities `times` [R, N]; in blocks, converted to floats for speed."""
    blocks = [times[start : start + _BLOCK] @ statistics.astype(float) for start in range(0, len(times), _BLOCK)]
    return np.concatenate(blocks)


def _share(differences: NDArray, observed: float) -> float:
    """p with the observed data as one more draw; ties count."""
    return (int(np.count_nonzero(differences >= observed - _ROUNDING)) + 1) / (len(differences) + 1)

"""Is a system better than its baseline, or was it the test set? The paired bootstrap of sacreBLEU.

The paper (section 5.1, footnote 8) uses Moses' `bootstrap-hypothesis-difference-significance.pl`; sacreBLEU's test
replicates that script. BLEU is left to sacreBLEU; scores that are means over items take the same test here, so that p
means the same in every table.

p is the share of resamples whose absolute difference, less its mean over them, is above the observed one. Of a clear
difference that is one tail of the normal distribution: where there is none, p < 0.01 comes about in 2 % of cases.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from sacrebleu.metrics import BLEU
from sacrebleu.significance import PairedTest, estimate_ci

from janus.errors import InputError
from janus.metrics.translation import hide_unknown, token_bleu

_SEED_VARIABLE = "SACREBLEU_SEED"


def paired_bootstrap(
    baseline: Sequence[str],
    system: Sequence[str],
    references: Sequence[str],
    *,
    metric: BLEU | None = None,
    samples: int = 1000,
    seed: int = 12345,
) -> dict[str, float | int | str]:
    """Compare two outputs of one test set by resampling its sentences; equal calls give equal results.

    All three are line-aligned, and ready for `metric`, which is `token_bleu()` unless given.

    Returns `baseline` and `system` (the two scores), `delta` (their difference, above 0 where the system is better),
    `p_value`, `mean` and `ci` (of the system's score over the resamples; half of the 95 % interval),
    `samples`, `seed`, `signature`. Raises InputError where the counts of lines differ or are zero.
    """
    if not len(baseline) == len(system) == len(references) or not references:
        raise InputError(
            f"{len(baseline)}, {len(system)} and {len(references)} lines of baseline, system and references",
            where="paired bootstrap",
            mend="decode both on the same test set",
        )
    metric = metric or token_bleu()
    with _seeded(seed):
        signatures, results = PairedTest(
            [("baseline", list(baseline)), ("system", list(system))],
            {"BLEU": metric},
            [hide_unknown(references)],
            test_type="bs",
            n_samples=samples,
        )()
    before, after = results["BLEU"]
    return {
        "baseline": before.score,
        "system": after.score,
        "delta": after.score - before.score,
        "p_value": after.p_value,
        "mean": float(after.mean),
        "ci": float(after.ci),
        "samples": samples,
        "seed": seed,
        "signature": str(signatures["BLEU"]),
    }


def bootstrap_of_means(
    baseline: Sequence[float], system: Sequence[float], *, samples: int = 1000, seed: int = 12345
) -> dict[str, float | int | str]:
    """Compare two outputs whose score is the mean of their items' by resampling the items, as `paired_bootstrap` does.

    Item i of both sides is of one example. Returns what `paired_bootstrap` returns, p being 1 where every item is
    equal; `signature` tells resamples and seed. Raises InputError where the counts of items differ or are zero.
    """
    if len(baseline) != len(system) or not baseline:
        raise InputError(
            f"{len(baseline)} and {len(system)} items of baseline and system",
            where="paired bootstrap",
            mend="decode both on the same test set",
        )
    before, after = (np.asarray(side, dtype=float) for side in (baseline, system))
    delta = after.mean() - before.mean()
    drawn = np.random.default_rng(seed).choice(len(after), size=(samples, len(after)))
    means = after[drawn].mean(axis=1)
    differences = np.abs(means - before[drawn].mean(axis=1))
    # Equality counts, as in Moses' script: systems that never differ are not told apart.
    beyond = int(np.count_nonzero(differences - differences.mean() >= abs(delta)))
    mean, half_width = estimate_ci(means)
    return {
        "baseline": float(before.mean()),
        "system": float(after.mean()),
        "delta": float(delta),
        "p_value": (beyond + 1) / (samples + 1),
        "mean": float(mean),
        "ci": float(half_width),
        "samples": samples,
        "seed": seed,
        "signature": f"bs:{samples}|seed:{seed}",
    }


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    # The environment is the only way in to sacreBLEU's seed.
    before = os.environ.get(_SEED_VARIABLE)
    os.environ[_SEED_VARIABLE] = str(seed)
    try:
        yield
    finally:
        if before is None:
            del os.environ[_SEED_VARIABLE]
        else:
            os.environ[_SEED_VARIABLE] = before

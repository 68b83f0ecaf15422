"""How often 95 % intervals hold the true effect in simulated studies: the table of docs/claims.md.

    python tests/claims/measure_coverage.py 2000

Beside the interval that is used stand those that were rejected, made from the same resamples.
"""

import sys
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, t
from simulation import Study

from janus.claims.effects import Effect, mean_effect, paired_effect
from janus.claims.verdicts import CONTRADICTED, SUPPORTED, side_of
from janus.metrics.sentence_statistics import bleu_of_sums

RESAMPLES = 300
Z = norm.ppf(0.975)


def percentile(study: Study, left: NDArray, right: NDArray, generator: np.random.Generator) -> tuple[float, float]:
    """The plain hierarchical bootstrap, seeds and then sentences with replacement: its 2.5th and 97.5th percentile."""
    effects = []
    for _ in range(RESAMPLES):
        seeds = generator.integers(study.seeds, size=study.seeds)
        times = np.bincount(generator.integers(study.sentences, size=study.sentences), minlength=study.sentences)
        scores = [bleu_of_sums(np.tensordot(times, side[seeds], axes=(0, 1))) for side in (left, right)]
        effects.append(float((scores[0] - scores[1]).mean()))
    low, high = np.percentile(effects, [2.5, 97.5])
    return float(low), float(high)


def around(effect: Effect, half_width: float) -> tuple[float, float]:
    return effect.value - half_width, effect.value + half_width


def seeds_alone(effect: Effect) -> tuple[float, float]:
    """Student's t over the seeds' effects."""
    return around(effect, t.ppf(0.975, effect.freedom) * effect.seed_error)


def welch(effect: Effect) -> tuple[float, float]:
    """Both variances added, with Welch's and Satterthwaite's degrees of freedom."""
    seed, sentence = effect.seed_error**2, effect.sentence_error**2
    freedom = (seed + sentence) ** 2 / (seed**2 / effect.freedom + 1e-300)
    return around(effect, t.ppf(0.975, min(freedom, 1e6)) * (seed + sentence) ** 0.5)


METHODS: dict[str, Callable[..., tuple[float, float]]] = {
    "percentile": percentile,
    "t over seeds": lambda study, left, right, generator: seeds_alone(study_effect(left, right)),
    "Welch": lambda study, left, right, generator: welch(study_effect(left, right)),
    "used": lambda study, left, right, generator: around(
        study_effect(left, right), study_effect(left, right).half_width
    ),
}


def study_effect(left: NDArray, right: NDArray) -> Effect:
    return paired_effect(left, right, bleu_of_sums, resamples=RESAMPLES)


def coverage(study: Study, count: int, seed: int = 1) -> dict[str, tuple[float, float]]:
    """Of each method the share of studies whose interval holds the truth, and its mean width."""
    generator = np.random.default_rng(seed)
    truth = study.true_effect(generator)
    found: dict[str, list[tuple[bool, float]]] = {name: [] for name in METHODS}
    for _ in range(count):
        left, right = study.draw(generator)
        for name, method in METHODS.items():
            low, high = method(study, left, right, generator)
            found[name].append((low <= truth <= high, high - low))
    return {name: tuple(np.mean(pairs, axis=0)) for name, pairs in found.items()}


def pooled_coverage(study: Study, corpora: int, count: int, seed: int = 2) -> float:
    """The share of studies of several corpora, all with the same true effect, whose pooled interval holds it."""
    generator = np.random.default_rng(seed)
    truth = study.true_effect(generator)
    held = 0
    for _ in range(count):
        pooled = mean_effect([study_effect(*study.draw(generator)) for _ in range(corpora)])
        held += abs(pooled.value - truth) <= pooled.half_width
    return held / count


def false_verdicts(study: Study, count: int, seed: int = 4) -> tuple[float, float]:
    """The shares of studies without an effect that are judged supported, and contradicted, by a bound of 0."""
    generator = np.random.default_rng(seed)
    words = [side_of(study_effect(*study.draw(generator)), 0.0, 1) for _ in range(count)]
    return words.count(SUPPORTED) / count, words.count(CONTRADICTED) / count


def main(count: int) -> None:
    print("| seeds | spread, BLEU | " + " | ".join(METHODS) + " | used, mean of 3 corpora | false verdicts |")
    print("| ---: " * (4 + len(METHODS)) + "|")
    for seeds in (2, 3, 5):
        for spread in (0.0, 0.003, 0.01, 0.03):
            study = Study(seeds=seeds, gain=0.02, spread=spread)
            bleu = Study(seeds=seeds, gain=spread).true_effect(np.random.default_rng(3))
            cells = [f"{100 * share:.1f} % ({width:.1f})" for share, width in coverage(study, count).values()]
            cells.append(f"{100 * pooled_coverage(study, 3, count // 2):.1f} %")
            wrong = false_verdicts(Study(seeds=seeds, spread=spread), 1000)
            cells.append(" + ".join(f"{100 * share:.1f}" for share in wrong) + " %")
            print(f"| {seeds} | {bleu:.1f} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))

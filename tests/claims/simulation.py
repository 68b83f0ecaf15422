"""Studies whose true effect is known: two systems, a few seeds each, one test set.

A word of a sentence is right with a probability that is the product of a seed's quality and a sentence's ease. The ease
has a part that both systems share and one of each system, the same for all of its seeds: what one method finds easier
than another. Matches of an order n come about with the n-th power of that probability, so that statistics are those of
BLEU, and the BLEU of a seed over infinitely many sentences is known in closed form.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ORDERS = 4
_LENGTHS = (8, 40)
_QUALITY = 0.78


@dataclass(frozen=True)
class Study:
    """gain: of the left system's mean quality; spread: standard deviation of the seeds' qualities; own: width of the
    ease that a system does not share."""

    seeds: int
    gain: float = 0.0
    spread: float = 0.0
    own: float = 0.6
    sentences: int = 200

    def draw(self, generator: np.random.Generator) -> tuple[NDArray, NDArray]:
        """Statistics [S, N, 10] of left and right."""
        lengths = generator.integers(*_LENGTHS, size=self.sentences)
        shared = generator.beta(12, 2, size=self.sentences)
        left, right = (self._side(generator, lengths, shared, gain) for gain in (self.gain, 0.0))
        return left, right

    def true_effect(self, generator: np.random.Generator) -> float:
        """The expectation over seeds of the difference in BLEU over infinitely many sentences."""
        ease = _ease(generator, generator.beta(12, 2, size=500_000), self.own)
        moments = [float(np.log((ease**order).mean())) for order in range(1, ORDERS + 1)]
        noise = self.spread * generator.standard_normal(200_000)

        def bleu(gain: float) -> float:
            quality = np.log(_quality(gain + noise))
            logs = [order * quality + moment for order, moment in enumerate(moments, 1)]
            return float(100 * np.exp(np.mean(logs, axis=0)).mean())

        return bleu(self.gain) - bleu(0.0)

    def _side(self, generator: np.random.Generator, lengths: NDArray, shared: NDArray, gain: float) -> NDArray:
        quality = _quality(gain + self.spread * generator.standard_normal(self.seeds))
        right = quality[:, None] * _ease(generator, shared, self.own)[None]
        statistics = np.zeros((self.seeds, len(lengths), 2 + 2 * ORDERS))
        statistics[..., :2] = lengths[:, None]
        for order in range(1, ORDERS + 1):
            statistics[..., 1 + order] = generator.binomial(lengths - order + 1, right**order)
            statistics[..., 1 + ORDERS + order] = lengths - order + 1
        return statistics


def _quality(change: NDArray) -> NDArray:
    return np.clip(_QUALITY + change, 0.3, 0.99)


def _ease(generator: np.random.Generator, shared: NDArray, own: float) -> NDArray:
    return np.clip(shared + own * (generator.random(len(shared)) - 0.5), 0.05, 1)

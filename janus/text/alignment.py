"""Word alignment by IBM model 1 (Brown et al., 1993), trained by expectation maximisation.

Each target word is made by one source word of its sentence or by none (NULL), all of them equally likely beforehand:
p(y | x) = prod_j 1 / (I + 1) sum_i t(y_j | x_i). Axes: L links, a link for each pair of a target cell and a source word
of its sentence, ordered by cell; C target cells; E entries, the different pairs of words among the links.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

# The source "word" that target words without a source are aligned with.
NULL = 0


def number_words(lines: Iterable[Sequence[str]]) -> tuple[list[np.ndarray], list[str]]:
    """Sentences of words as numbers from 1, by first occurrence, and the words; number 0 is NULL's."""
    numbers: dict[str, int] = {"": NULL}
    found = [np.array([numbers.setdefault(word, len(numbers)) for word in line], dtype=np.int64) for line in lines]
    return found, list(numbers)


@dataclass(frozen=True)
class Links:
    """All links of a corpus.

    entry, cell: [L]. starts: [C] the first link of each cell. source, target: [E] the words of an entry.
    """

    entry: np.ndarray
    cell: np.ndarray
    starts: np.ndarray
    source: np.ndarray
    target: np.ndarray

    @classmethod
    def of(cls, sources: Sequence[np.ndarray], targets: Sequence[np.ndarray]) -> Links:
        """The links of numbered sentences, each source preceded by NULL. A pair without target words has none."""
        width = 1 + max((int(words.max()) for words in targets if words.size), default=0)
        with_null = [np.concatenate([[NULL], words]) for words in sources]
        keys = [(x[None, :] * width + y[:, None]).ravel() for x, y in zip(with_null, targets, strict=True)]
        counts = np.concatenate([np.full(y.size, x.size) for x, y in zip(with_null, targets)] or [[]]).astype(np.int64)
        entries, entry = np.unique(np.concatenate(keys or [np.zeros(0, np.int64)]), return_inverse=True)
        return cls(
            entry=entry.astype(np.int32),
            cell=np.repeat(np.arange(counts.size, dtype=np.int32), counts),
            starts=np.cumsum(counts) - counts,
            source=entries // width,
            target=entries % width,
        )


def train(links: Links, iterations: int) -> tuple[np.ndarray, list[float]]:
    """The lexicon t(y | x) [E] after that many iterations from a uniform one, and the log-likelihood before each.

    The likelihood is that of the model without the constant of the lengths: sum over cells of log sum_i t(y | x_i).
    """
    words = int(links.source.max()) + 1 if links.source.size else 0
    lexicon = np.full(links.source.size, 1 / max(np.unique(links.target).size, 1))
    likelihoods = []
    for _ in range(iterations):
        share = lexicon[links.entry]
        total = np.bincount(links.cell, share, links.starts.size)
        likelihoods.append(float(np.log(total).sum()))
        share /= total[links.cell]
        counts = np.bincount(links.entry, share, lexicon.size)
        lexicon = counts / np.bincount(links.source, counts, words)[links.source]
    return lexicon, likelihoods


def aligned_counts(links: Links, lexicon: np.ndarray) -> np.ndarray:
    """[E] how often two words are aligned: every cell with its most probable source word, the first of equals."""
    if not links.starts.size:
        return np.zeros(lexicon.size, dtype=np.int64)
    score = lexicon[links.entry]
    best = np.flatnonzero(score == np.maximum.reduceat(score, links.starts)[links.cell])
    _, first = np.unique(links.cell[best], return_index=True)
    return np.bincount(links.entry[best[first]], minlength=lexicon.size)

"""Made-up parallel text with the statistics that the cost of preparing a corpus depends on."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

from janus.files import write_json, write_lines

# A million word types, the word of rank r in proportion to (r + 2.7) ** -1.3: Zipf's law with Mandelbrot's offset. The
# number of types grows with the text, to 400,000 in 500,000 pairs.
_TYPES, _OFFSET, _EXPONENT = 1_000_000, 2.7, 1.3
_ONSETS, _NUCLEI, _CODAS = tuple("bdfghklmnprstvwz"), tuple("aeiouä"), ("", "n", "r", "s", "st")
_BATCH = 20_000


def write_corpus(folder: Path, pairs: int, *, words: int = 22, held_out: int = 1000, seed: int = 1) -> None:
    """Write a prepared corpus de-en of that many training pairs: tok/<split>.<language> and corpus.json.

    A side has `words` words on average. The same seed gives the same text.
    """
    counts = {"train": pairs, "valid": held_out, "test": held_out}
    for language in ("de", "en"):
        for split, count in counts.items():
            lines = _lines(count, words, np.random.default_rng([seed, len(split), ord(language[0])]))
            write_lines(folder / "tok" / f"{split}.{language}", lines)
    write_json(folder / "corpus.json", {"source": "de", "target": "en", "lines": counts})


def _lines(count: int, words: int, generator: np.random.Generator) -> Iterator[str]:
    cumulative = np.cumsum((np.arange(_TYPES) + _OFFSET) ** -_EXPONENT)
    cumulative /= cumulative[-1]
    for first in range(0, count, _BATCH):
        lengths = generator.integers(words // 2, words + words // 2 + 1, min(_BATCH, count - first))
        ranks = np.searchsorted(cumulative, generator.random(lengths.sum()))
        ends = np.cumsum(lengths)
        for start, end in zip(ends - lengths, ends):
            yield " ".join(map(_word, ranks[start:end].tolist()))


@cache
def _word(rank: int) -> str:
    """A word of syllables: the commoner the shorter, another for every rank."""
    number, syllables = rank, []
    while True:
        number, onset = divmod(number, len(_ONSETS))
        number, nucleus = divmod(number, len(_NUCLEI))
        number, coda = divmod(number, len(_CODAS))
        syllables.append(_ONSETS[onset] + _NUCLEI[nucleus] + _CODAS[coda])
        if not number:
            return "".join(syllables)
        number -= 1

"""Beam search in a word graph (Huang et al., 2022, DAG-Search): hypotheses are word sequences, not paths.

The graph is walked vertex by vertex. A hypothesis at a vertex is a sequence of words; whatever paths spell it there are
added up. It goes on along the best pairs of a later vertex and a word. With unlimited candidates and beams, the output
is the word sequence with the highest log P / length ** alpha. No language model takes part.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch

from janus.decoding.word_graphs import best_pairs, graphs_of, hypothesis, kept, require, require_one_pass
from janus.methods.base.decoder import Decoder, Hypothesis
from janus.model.graph import WordGraph
from janus.model.ragged import Source
from janus.model.transformer import JanusTransformer


@dataclass(frozen=True)
class DagBeamSettings:
    """candidates, top_p: the best pairs of a vertex and a word that leave a vertex: `candidates`, or fewer if their
    probability reaches top_p. beta: the weight of the words in it. alpha: scores are divided by the words after bos to
    this power. per_length, beam: hypotheses that leave a vertex, of one length and in all.

    release_ranking: rank a hypothesis at a vertex by all paths that spell it so far, wherever they end, as the authors'
    code does, and not by those that end there. This favours words whose probability lies elsewhere in the graph, and
    approximates no optimum.
    dedup: leave out a word that repeats the one before, once the best hypothesis is found. passes: 1, by its nature.
    """

    candidates: int = 5
    top_p: float = 0.9
    beta: float = 1.0
    alpha: float = 1.1
    per_length: int = 10
    beam: int = 200
    release_ranking: bool = False
    dedup: bool = True
    passes: int = 1

    def __post_init__(self) -> None:
        """Reject invalid settings."""
        require_one_pass(self.passes)
        require({name: getattr(self, name) for name in ("candidates", "per_length", "beam")}, 1)
        require({name: getattr(self, name) for name in ("top_p", "beta", "alpha")}, 0)


@torch.no_grad()
def dag_beam(model: JanusTransformer, source: Source, settings: DagBeamSettings) -> list[list[Hypothesis]]:
    """The best hypothesis of each sentence, with bos."""
    graph = graphs_of(model, source, settings.candidates)
    return [[search(one, settings, bos=model.config.bos, pad=model.config.pad)] for one in graph.split()]


@dataclass
class _Prefixes:
    """Word sequences by number: their parents, last words and lengths, and the log-probability of all their paths."""

    parent: list[int]
    word: list[int]
    length: list[int]
    mass: list[float]
    children: dict[tuple[int, int], int] = field(default_factory=dict)

    def extended(self, prefix: int, word: int) -> int:
        """The number of a sequence with one more word."""
        number = self.children.setdefault((prefix, word), len(self.parent))
        if number == len(self.parent):
            self.parent.append(prefix)
            self.word.append(word)
            self.length.append(self.length[prefix] + 1)
            self.mass.append(-math.inf)
        return number

    def line(self, prefix: int) -> list[int]:
        """A sequence's prefixes, the shortest first, without that of bos alone."""
        found = []
        while prefix:
            found.append(prefix)
            prefix = self.parent[prefix]
        return found[::-1]


def search(graph: WordGraph, settings: DagBeamSettings, *, bos: int, pad: int) -> Hypothesis:
    """The best hypothesis of one graph. The word of the first vertex counts as bos, without a score."""
    pairs = best_pairs(graph, settings.candidates, settings.beta, settings.top_p)
    prefixes = _Prefixes([-1], [bos], [0], [0.0])
    # arrived: of each vertex the log-probability of the paths that end there, by the prefix that they spell
    arrived: list[dict[int, float]] = [{0: 0.0}, *({} for _ in pairs[1:])]
    for vertex, leaving in enumerate(pairs[:-1]):
        for prefix in _survivors(arrived[vertex], prefixes, settings):
            for pair in leaving:
                longer = prefixes.extended(prefix, pair.word)
                score = arrived[vertex][prefix] + pair.value
                there = arrived[pair.vertex]
                there[longer] = _add(there.get(longer, -math.inf), score)
                prefixes.mass[longer] = _add(prefixes.mass[longer], score)
    ranks = _ranks(arrived[-1], prefixes, settings)
    best = max(ranks, key=ranks.__getitem__)
    line = prefixes.line(best)
    words = [bos, *(prefixes.word[one] for one in line)]
    # The probability of a word after the words before it, within the beam.
    scores = [0.0, *(prefixes.mass[one] - prefixes.mass[prefixes.parent[one]] for one in line)]
    shown = kept(words, pad) if settings.dedup else [n for n, word in enumerate(words) if word != pad]
    return hypothesis([words[n] for n in shown], [scores[n] for n in shown], ranks[best], graph)


def _survivors(arrived: dict[int, float], prefixes: _Prefixes, settings: DagBeamSettings) -> list[int]:
    """The prefixes that leave a vertex, best first; of equal ones that which came first."""
    ranks, found = _ranks(arrived, prefixes, settings), []
    of_length: dict[int, int] = {}
    for prefix in sorted(ranks, key=ranks.__getitem__, reverse=True):
        length = prefixes.length[prefix]
        of_length[length] = of_length.get(length, 0) + 1
        if of_length[length] <= settings.per_length:
            found.append(prefix)
    return found[: settings.beam]


def _ranks(arrived: dict[int, float], prefixes: _Prefixes, settings: DagBeamSettings) -> dict[int, float]:
    masses = {one: prefixes.mass[one] for one in arrived} if settings.release_ranking else arrived
    return {one: mass / max(prefixes.length[one], 1) ** settings.alpha for one, mass in masses.items()}


def _add(one: float, other: float) -> float:
    """The logarithm of the sum of two probabilities, from their logarithms."""
    high, low = max(one, other), min(one, other)
    return high if low == -math.inf else high + math.log1p(math.exp(low - high))


DECODER = Decoder("dag_beam", DagBeamSettings, dag_beam, manner="nar", reads="a graph of words")

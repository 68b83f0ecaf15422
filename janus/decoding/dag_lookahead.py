"""Decoding of a word graph vertex by vertex: greedy, lookahead, and lookahead that avoids repeated n-grams.

From each vertex the path goes to the one with the highest log E + beta * log P(its best word) (Huang et al., 2022). The
words of the visited vertices are the output, those of the first and the last vertex too, without padding and without a
word that repeats the one before.

With a bound on n-grams, the path goes along pairs of a vertex and one of its words. Axes: P vertices, W vertices of the
widest graph, K words of a vertex.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from janus.decoding.word_graphs import Pair, best_pairs, graphs_of, hypothesis, kept, require, require_one_pass, steps
from janus.methods.base.decoder import Decoder, Hypothesis
from janus.model.graph import WordGraph
from janus.model.ragged import Source
from janus.model.transformer import JanusTransformer


@dataclass(frozen=True)
class LookaheadSettings:
    """beta: the weight of a vertex's word in the choice of the next vertex; 0 is greedy decoding.

    no_consecutive_ngram: the longest n-gram that may not stand twice in a row; 0 for no such bound. no_repeated_ngram:
    the length of n-grams that may not come twice; 0 for no such bound. candidates: the best pairs of a vertex and a
    word that a bound on n-grams chooses among. top_p: if the pairs that it passes over have a higher probability, the
    best one is taken. passes: 1, by its nature.
    """

    beta: float = 1.0
    no_consecutive_ngram: int = 0
    no_repeated_ngram: int = 0
    candidates: int = 5
    top_p: float = 0.9
    passes: int = 1

    def __post_init__(self) -> None:
        """Reject invalid settings."""
        require_one_pass(self.passes)
        names = ("beta", "no_consecutive_ngram", "no_repeated_ngram", "top_p")
        require({name: getattr(self, name) for name in names}, 0)
        require({"candidates": self.candidates}, 1)

    @property
    def bounded(self) -> bool:
        """Whether any n-gram may not be repeated."""
        return self.no_consecutive_ngram > 0 or self.no_repeated_ngram > 0


@torch.no_grad()
def dag_lookahead(model: JanusTransformer, source: Source, settings: LookaheadSettings) -> list[list[Hypothesis]]:
    """One path of each sentence; it is ranked by its mean log-probability, of steps and words, for each vertex."""
    graph = graphs_of(model, source, settings.candidates if settings.bounded else 1)
    if settings.bounded:
        return [[without_repeats(one, settings, model.config.pad)] for one in graph.split()]
    return [[one] for one in look_ahead(graph, settings.beta, model.config.pad)]


def look_ahead(graph: WordGraph, beta: float, pad: int) -> list[Hypothesis]:
    """The path of each graph along the best next vertex."""
    word, score = graph.words[:, 0], graph.scores[:, 0]
    # step, passed: [P] the next vertex, and the log-probability of that step
    ahead = steps(graph.links, beta * graph.columns(score, 0.0)) if beta else graph.links
    step = ahead.argmax(1, keepdim=True)
    passed = graph.links.gather(1, step)[:, 0].tolist()
    following, words, scores = step[:, 0].tolist(), word.tolist(), score.tolist()
    outputs = []
    for first, size in zip(graph.first().tolist(), graph.layout.counts().tolist()):
        path = [first]
        while path[-1] != first + size - 1:
            path.append(first + following[path[-1]])
        total = sum(scores[row] for row in path) + sum(passed[row] for row in path[:-1])
        shown = [path[n] for n in kept([words[row] for row in path], pad)]
        outputs.append(
            hypothesis([words[row] for row in shown], [scores[row] for row in shown], total / len(path), graph)
        )
    return outputs


def without_repeats(graph: WordGraph, settings: LookaheadSettings, pad: int) -> Hypothesis:
    """The path of one graph along the best pairs of a vertex and a word that repeat nothing."""
    pairs = best_pairs(graph, settings.candidates, settings.beta)
    links = graph.links.tolist()
    vertex, words, scores = 0, [int(graph.words[0, 0])], [float(graph.scores[0, 0])]
    total = scores[0]
    while vertex != len(links) - 1:
        # The word of the first vertex repeats and is repeated by none, as in the authors' numbers.
        pair = _choose(pairs[vertex], words[1:], settings)
        total += links[vertex][pair.vertex] + pair.score
        vertex = pair.vertex
        words.append(pair.word)
        scores.append(pair.score)
    shown = [n for n, word in enumerate(words) if word != pad]
    return hypothesis([words[n] for n in shown], [scores[n] for n in shown], total / len(words), graph)


def _choose(pairs: list[Pair], words: list[int], settings: LookaheadSettings) -> Pair:
    """The first pair that repeats nothing, or the best if those passed over are probable enough, or all repeat."""
    passed_over = 0.0
    for pair in pairs:
        if not _repeats([*words, pair.word], settings):
            return pair
        passed_over += math.exp(pair.value)
        if passed_over > settings.top_p:
            break
    return pairs[0]


def _repeats(words: list[int], settings: LookaheadSettings) -> bool:
    """Whether the last word equals the one before, or completes an n-gram that may not be repeated."""
    consecutive = range(1, max(1, settings.no_consecutive_ngram) + 1)
    if any(len(words) >= 2 * n and words[-n:] == words[-2 * n : -n] for n in consecutive):
        return True
    size = settings.no_repeated_ngram
    seen = (words[i : i + size] for i in range(len(words) - size))
    return size > 0 and any(words[-size:] == one for one in seen)


DECODER = Decoder("dag_lookahead", LookaheadSettings, dag_lookahead, manner="nar", reads="a graph of words")

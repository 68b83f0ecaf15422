"""Viterbi decoding of a word graph: the most probable path, relative to its length (Shao et al., 2022).

For every number k of vertices between the first and the last, the best path is found; the one with the highest score
divided by k ** beta wins, of ties the shortest. `joint` scores a path by its steps and its words, but not by the word
of the last vertex. The words of the first and the last vertex are not part of the output.

Axes: B sentences, W vertices of the widest graph, N numbers of vertices.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from janus.decoding.word_graphs import graphs_of, hypothesis, kept, require, require_one_pass
from janus.methods.base.decoder import Decoder, Hypothesis
from janus.model.graph import WordGraph
from janus.model.ragged import Source
from janus.model.transformer import JanusTransformer


@dataclass(frozen=True)
class ViterbiSettings:
    """joint: score words too. Without it, steps alone count but for the word of the first vertex between, as in the
    authors' code.

    beta: scores are divided by the vertices between to this power. longest: the most vertices between, for each source
    token; the sentence's own, unlike in the authors' code, where those of a batch share the bound of the longest graph.
    passes: 1, by its nature.
    """

    joint: bool = True
    beta: float = 1.0
    longest: float = 2.0
    passes: int = 1

    def __post_init__(self) -> None:
        """Reject invalid settings."""
        require_one_pass(self.passes)
        require({"beta": self.beta, "longest": self.longest}, 0)


@torch.no_grad()
def dag_viterbi(model: JanusTransformer, source: Source, settings: ViterbiSettings) -> list[list[Hypothesis]]:
    """The best path of each sentence."""
    graph = graphs_of(model, source, 1)
    return [[one] for one in best_paths(graph, settings, model.config.pad)]


def best_paths(graph: WordGraph, settings: ViterbiSettings, pad: int) -> list[Hypothesis]:
    """The words of the best path of each graph."""
    # edges: [B, W, W]; words: [B, W] log-probabilities; last: [B]; most: [B]
    edges, words = graph.grid(), graph.layout.pad(graph.scores[:, 0])
    last = graph.layout.counts() - 1
    most = (last + 1).mul(settings.longest / graph.factor).long().clamp(min=1).clamp(max=(last - 1).clamp(min=1))
    ends, steps = _search(edges, words, last, int(most.max()), settings.joint)
    number = torch.arange(1, ends.size(0) + 1, device=last.device)[:, None]
    # ranks: [N, B]
    ranks = (ends / number**settings.beta).masked_fill(number > most, -torch.inf)
    best = ranks.argmax(0)
    score = ranks.gather(0, best[None])[0]
    # Of the first and the last vertex alone there is one path, without a word.
    empty = last < 2
    score = torch.where(empty, edges[:, 0].gather(1, last[:, None])[:, 0], score)
    shown = zip(_paths(steps, best, last), empty.tolist(), score.tolist(), graph.first().tolist())
    return [_output([] if none else [first + j for j in path], rank, graph, pad) for path, none, rank, first in shown]


def _search(edges: Tensor, words: Tensor, last: Tensor, most: int, joint: bool) -> tuple[Tensor, list[Tensor]]:
    """The score [N, B] of the best path with 1, 2, … vertices between, and for each the predecessors [B, W].

    The last entry of a list of predecessors is that of the last vertex.
    """
    to_last = edges.gather(2, last[:, None, None].expand(-1, edges.size(1), 1))[:, :, 0]
    # reached: [B, W] the best score of a path that is at a vertex, which is neither the first nor the last
    reached = edges[:, 0] + words + (words[:, :1] if joint else 0)
    ends, steps = [], []
    for number in range(1, most + 1):
        if number > 1:
            reached, step = (reached[:, :, None] + edges).max(1)
            reached = reached + words if joint else reached
            steps.append(step)
        ends.append(reached + to_last)
    scores, from_vertex = torch.stack(ends).max(2)
    return scores, [*steps, from_vertex]


def _paths(steps: list[Tensor], best: Tensor, last: Tensor) -> list[list[int]]:
    """The vertices between of the best path of each sentence; `best` [B] is their number less one."""
    *before, ends = (step.tolist() for step in steps)
    paths = []
    for sentence, number in enumerate(best.tolist()):
        path = [ends[number][sentence]]
        for step in range(number - 1, -1, -1):
            path.append(before[step][sentence][path[-1]])
        paths.append(path[::-1])
    return paths


def _output(rows: list[int], score: float, graph: WordGraph, pad: int) -> Hypothesis:
    """The words of the vertices `rows`; of equal neighbours the last is kept, and the last word whatever it is."""
    words, scores = graph.words[rows, 0].tolist(), graph.scores[rows, 0].tolist()
    backwards = kept(words[::-1], pad)
    backwards = backwards if not words or 0 in backwards else [0, *backwards]
    shown = [len(words) - 1 - n for n in reversed(backwards)]
    return hypothesis([words[n] for n in shown], [scores[n] for n in shown], score, graph)


DECODER = Decoder("dag_viterbi", ViterbiSettings, dag_viterbi, manner="nar", reads="a graph of words")

"""What a model says of a sentence as a graph of words, for the decoders that search it.

Axes: B sentences, P vertices of all graphs, W the widest graph, K words of a vertex.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from janus.model.ragged import Ragged, Source


@dataclass(frozen=True)
class WordGraph:
    """Graphs whose vertices emit words and pass to a later vertex; paths lead from the first vertex to the last.

    layout: the P vertices of B sentences. links: [P, W] log-probability of the step to a vertex of the same graph,
    minus infinity where there is none. scores, words: [P, K] the most probable words of each vertex, best first.
    factor: vertices per source token.
    """

    layout: Ragged
    links: Tensor
    scores: Tensor
    words: Tensor
    factor: float

    def split(self) -> list[WordGraph]:
        """The graphs one by one, without the columns of wider ones."""
        sizes = self.layout.counts().tolist()
        parts = zip(*(rows.split(sizes) for rows in (self.links, self.scores, self.words)))
        return [
            WordGraph(Ragged(words.new_zeros(size), 1), links[:, :size], scores, words, self.factor)
            for size, (links, scores, words) in zip(sizes, parts)
        ]

    def first(self) -> Tensor:
        """[B] the row of the first vertex of each graph."""
        return self.layout.bounds()[:-1]

    def grid(self) -> Tensor:
        """links [B, W, W], minus infinity at vertices that a graph does not have."""
        return self.layout.pad(self.links, -torch.inf)

    def columns(self, rows: Tensor, fill: float) -> Tensor:
        """Values [P] of vertices, for each vertex those of its graph: [P, W], `fill` beyond it."""
        return self.layout.pad(rows, fill)[self.layout.group]


@runtime_checkable
class GraphModel(Protocol):
    """A model that predicts graphs."""

    def graph(self, source: Source, words: int) -> WordGraph:
        """The graphs of a batch, with the `words` most probable words of each vertex."""
        ...

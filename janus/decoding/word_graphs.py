"""What the decoders of word graphs share: the graphs of a batch, and a path as a hypothesis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from janus.errors import InputError
from janus.methods.base.decoder import Hypothesis
from janus.model.graph import GraphModel, WordGraph
from janus.model.ragged import Source
from janus.model.transformer import JanusTransformer


def graphs_of(model: JanusTransformer, source: Source, words: int) -> WordGraph:
    """The graphs that a model predicts, with the best words of each vertex, as many as the dictionary has at most.

    Raises InputError if it predicts none.
    """
    if not isinstance(model, GraphModel):
        raise InputError(
            "it predicts no graph of words", where="the model", fix="decode a model that the method dat trained"
        )
    return model.graph(source, min(words, model.config.target_vocabulary))


def require_one_pass(passes: int) -> None:
    """Raise InputError for a number of passes other than one."""
    if passes != 1:
        raise InputError(f"a graph is decoded in one pass, not {passes}", where="passes", fix="use 1")


def require(values: dict[str, float], least: float) -> None:
    """Raise InputError, naming it, for a setting below `least`."""
    for name, value in values.items():
        if not value >= least:
            raise InputError(f"{value} is too small", where=name, fix=f"use {least} or more")


class Pair(NamedTuple):
    """A vertex to go to and one of its words; score: log P(word); value: log E + beta * score."""

    vertex: int
    word: int
    score: float
    value: float


def steps(links: Tensor, words: Tensor) -> Tensor:
    """links + words, minus infinity where there is no step, even if a score is not a number."""
    return (links + words).masked_fill(links.isneginf(), -torch.inf)


def best_pairs(graph: WordGraph, number: int, beta: float, top_p: float = math.inf) -> list[list[Pair]]:
    """The best pairs of each vertex of one graph, best first: `number`, or fewer if their probability reaches top_p."""
    # values: [P, W * K]
    values = steps(graph.links[:, :, None], beta * graph.scores).flatten(1)
    best, index = values.topk(min(number, values.size(1)), 1)
    columns = (index // graph.words.size(1)), graph.words.flatten()[index], graph.scores.flatten()[index], best
    return [_likely([Pair(*pair) for pair in zip(*row)], top_p) for row in zip(*(x.tolist() for x in columns))]


def _likely(pairs: list[Pair], top_p: float) -> list[Pair]:
    """The first pairs, up to that with which their probability reaches top_p; none that has no probability."""
    found, reached = [], 0.0
    for pair in pairs:
        if pair.value == -math.inf or reached >= top_p:
            break
        found.append(pair)
        reached += math.exp(pair.value)
    return found


def hypothesis(words: Sequence[int], scores: Sequence[float], score: float, graph: WordGraph) -> Hypothesis:
    """An output on the device of its graph."""
    tokens = torch.tensor(words, dtype=torch.long, device=graph.words.device)
    return Hypothesis(tokens, torch.tensor(scores, dtype=graph.scores.dtype, device=tokens.device), score)


def kept(words: Sequence[int], pad: int) -> list[int]:
    """The numbers of the words of a path that are put out: no padding, and none that equals the word before it."""
    return [n for n, word in enumerate(words) if word != pad and (n == 0 or word != words[n - 1])]

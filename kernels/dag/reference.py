"""The DAG loss sentence by sentence in plain PyTorch, differentiable by autograd: the reference of the tests."""

from __future__ import annotations

import torch
from torch import Tensor

from kernels.dag.graphs import Graphs


def log_likelihood_reference(match: Tensor, links: Tensor, graphs: Graphs) -> Tensor:
    """Arguments and result [B] of `kernels.dag.dag_log_likelihood`."""
    return torch.stack([_one(*one) for one in _sentences(match, links, graphs)])


def _sentences(match: Tensor, links: Tensor, graphs: Graphs) -> list[tuple[Tensor, Tensor]]:
    """match [L, T] and links [L, L] of each sentence, without the columns of others."""
    rows = zip(match.split(graphs.vertices.tolist()), links.split(graphs.vertices.tolist()), graphs.labels.tolist())
    return [(own[:, :labels], edges[:, : len(edges)]) for own, edges, labels in rows]


def _one(match: Tensor, links: Tensor) -> Tensor:
    """log P of the labels, from match [L, T] and links [L, L]; every vertex but those that are reached is left out."""
    vertices, labels = match.shape
    # f: the log-probability of each vertex that the path may be at; the path is at vertex 0 first
    f = {0: match[0, 0]}
    for t in range(1, labels):
        f = {
            j: match[j, t] + torch.logsumexp(torch.stack([score + links[i, j] for i, score in f.items() if i < j]), 0)
            for j in range(1, vertices)
            if any(i < j for i in f)
        }
    return f.get(vertices - 1, match.new_tensor(-torch.inf))

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
    """log P of the labels, from match [L, T] and links [L, L]."""
    vertices, labels = match.shape
    if labels > vertices or (labels == 1 and vertices > 1):
        return match.new_tensor(-torch.inf)
    # f: the scores of vertices t, t + 1, … after label t; vertex 0 alone emits the first label
    f = match[:1, 0]
    for t in range(1, labels):
        arrivals = [f[: j - t + 1] + links[t - 1 : j, j][: len(f)] for j in range(t, vertices)]
        f = match[t:, t] + torch.stack([one.logsumexp(0) for one in arrivals])
    return f[vertices - labels]

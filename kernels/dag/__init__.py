"""The loss of a directed acyclic graph of words (DA-Transformer, Huang et al., 2022), and its best alignment.

A sentence is a graph of L vertices in a row. Vertex i emits words, and passes to a later vertex j with probability
E_ij. A path begins at vertex 0, ends at vertex L - 1, and emits one of T labels at each of its vertices, so the
probability of the labels is a sum over all paths of T vertices. A recursion over the labels computes it; its gradient
are the posteriors of vertices and edges, which the reverse recursion gives. Nothing of size T x L x L is made.

Axes: B sentences, P vertices of all graphs, W columns of links, T columns of match.
"""

from __future__ import annotations

from types import ModuleType

import torch
from torch import Tensor

from kernels.dag import native, padded
from kernels.dag.graphs import Graphs

__all__ = ["Graphs", "best_alignment", "dag_log_likelihood", "force_emission"]


def dag_log_likelihood(match: Tensor, links: Tensor, graphs: Graphs) -> Tensor:
    """log P(labels) of each sentence [B], minus infinity where it has fewer vertices than labels or no path.

    match: [P, T] log-probability of label t of its sentence at a vertex. links: [P, W] log-probability of the step to
    vertex j of its graph. Columns beyond a sentence's own labels, vertices, and up to the vertex itself are not read,
    and have a gradient of zero, as has a sentence without a path. Raises ValueError for shapes that do not fit.
    """
    graphs.check(match, links)
    return _LogLikelihood.apply(match, links, graphs)


@torch.no_grad()
def best_alignment(match: Tensor, links: Tensor, graphs: Graphs) -> tuple[Tensor, Tensor]:
    """The label of each vertex on its sentence's most probable path [P], -1 elsewhere, and the path's log P [B].

    Arguments as of `dag_log_likelihood`. Of equally probable predecessors of a vertex, the first is taken. A sentence
    without a path has no label anywhere.
    """
    graphs.check(match, links)
    score, path = _implementation(match, links).best_path(match, links, graphs)
    label = torch.arange(path.size(1), device=path.device).expand_as(path)
    on_path = (label < graphs.labels[:, None]) & ~score.isneginf()[:, None]
    rows = (path + graphs.bounds[:-1, None])[on_path]
    return torch.full_like(graphs.sentence, -1).index_copy(0, rows, label[on_path]), score


def force_emission(match: Tensor, graphs: Graphs, label: Tensor) -> Tensor:
    """match [P, T] where some vertices must emit a label, at no cost, and no other vertex of the sentence may emit it.

    label: [P] the label of such a vertex, -1 at others. The log-likelihood is then that of the fragments between these
    vertices.
    """
    forced = label >= 0
    rows, sentence = forced.nonzero(as_tuple=True)[0], graphs.sentence
    taken = torch.zeros(graphs.labels.numel(), match.size(1), dtype=torch.bool, device=match.device)
    taken[sentence[rows], label[rows]] = True
    emitted = torch.zeros_like(match, dtype=torch.bool)
    emitted[rows, label[rows]] = True
    return match.masked_fill(taken[sentence], -torch.inf).masked_fill(emitted, 0)


def _implementation(match: Tensor, links: Tensor) -> ModuleType:
    """C++ for float32 on a CPU; PyTorch for other types and on a GPU, for which there is no kernel."""
    return native if native.supports(match, links) else padded


class _LogLikelihood(torch.autograd.Function):
    @staticmethod
    def forward(ctx, match, links, graphs):
        """log P [B]; what the implementation's backward pass reads is kept with it."""
        out, *kept = _implementation(match, links).forward(match, links, graphs)
        ctx.graphs = graphs
        ctx.save_for_backward(match, links, out, *kept)
        return out

    @staticmethod
    def backward(ctx, d_out):
        """d_match [P, T] and d_links [P, W]."""
        match, links, out, *kept = ctx.saved_tensors
        return *_implementation(match, links).backward(d_out, match, links, ctx.graphs, out, *kept), None

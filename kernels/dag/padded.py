"""The recursions of the DAG loss on padded grids in PyTorch, for any floating type and device.

Axes: B sentences, P vertices of all graphs, W the widest graph, T labels. One step over the labels makes a [B, W, W]
tensor, and no more than one exists at a time. Log-domain throughout.
"""

from __future__ import annotations

import torch
from torch import Tensor

from kernels.dag.graphs import Graphs


def forward(match: Tensor, links: Tensor, graphs: Graphs) -> tuple[Tensor, Tensor]:
    """log P [B] of the labels, and the forward scores [T, B, W] that `backward` reads."""
    emit, edges = _grids(match, links, graphs)
    f = torch.empty_like(emit)
    f[0] = _start(emit[0])
    for t in range(1, len(f)):
        f[t] = emit[t] + _safe_logsumexp(f[t - 1, :, :, None] + edges, 1)
    return _last(f, graphs), f


def backward(
    d_out: Tensor, match: Tensor, links: Tensor, graphs: Graphs, out: Tensor, f: Tensor
) -> tuple[Tensor, Tensor]:
    """d_match [P, T] and d_links [P, W]: the posteriors of vertices and of edges, times d_out [B]."""
    emit, edges = _grids(match, links, graphs)
    # scale: [B, 1]; evidence: [B, 1], where plus infinity takes everything from sentences without a path
    scale, evidence = d_out[:, None], out.masked_fill(out.isneginf(), torch.inf)[:, None]
    d_emit, d_edges = torch.zeros_like(emit), torch.zeros_like(edges)
    end = torch.full_like(emit[0], -torch.inf)
    end[torch.arange(end.size(0), device=end.device), graphs.vertices - 1] = 0
    b = torch.full_like(end, -torch.inf)
    for t in range(len(emit) - 1, -1, -1):
        if t + 1 < len(emit):
            # arrivals: [B, 1, W]
            arrivals = (emit[t + 1] + b)[:, None]
            d_edges += (f[t, :, :, None] + edges + arrivals - evidence[:, None]).exp()
            b = _safe_logsumexp(edges + arrivals, 2)
        b = torch.where((graphs.labels == t + 1)[:, None], end, b)
        d_emit[t] = (f[t] + b - evidence).exp() * scale
    d_edges *= scale[:, None]
    d_match, d_links = torch.zeros_like(match), torch.zeros_like(links)
    d_match[:, : len(emit)] = d_emit.permute(1, 2, 0)[graphs.sentence, graphs.place]
    d_links[:, : d_edges.size(2)] = d_edges[graphs.sentence, graphs.place]
    return d_match, d_links


def best_path(match: Tensor, links: Tensor, graphs: Graphs) -> tuple[Tensor, Tensor]:
    """log P [B] of the best path, and its vertices [B, T]; of tied predecessors the first. Any vertices if none is."""
    emit, edges = _grids(match, links, graphs)
    f, steps = [_start(emit[0])], []
    for t in range(1, len(emit)):
        best, step = (f[-1][:, :, None] + edges).max(1)
        f.append(emit[t] + best)
        steps.append(step)
    at = graphs.vertices - 1
    path = at[:, None].repeat(1, len(emit))
    for t in range(len(emit) - 1, 0, -1):
        moved = steps[t - 1].gather(1, at[:, None])[:, 0]
        at = torch.where(graphs.labels > t, moved, at)
        path[:, t - 1] = at
    return _last(torch.stack(f), graphs), path


def _grids(match: Tensor, links: Tensor, graphs: Graphs) -> tuple[Tensor, Tensor]:
    """emit [T, B, W] and edges [B, W, W] in at least float32, minus infinity where there is no label, vertex, edge."""
    dtype = torch.promote_types(match.dtype, torch.float32)
    sentence, place = graphs.sentence, graphs.place
    size, width = graphs.vertices.numel(), int(graphs.vertices.max())
    label, vertex = (torch.arange(n, device=match.device) for n in (int(graphs.labels.max()), width))
    emit = match.new_full((size, width, len(label)), -torch.inf, dtype=dtype)
    own = match[:, : len(label)].to(dtype)
    emit[sentence, place] = own.masked_fill(label >= graphs.labels[sentence, None], -torch.inf)
    edges = links.new_full((size, width, width), -torch.inf, dtype=dtype)
    later = (vertex > place[:, None]) & (vertex < graphs.vertices[sentence, None])
    edges[sentence, place] = links[:, :width].to(dtype).masked_fill(~later, -torch.inf)
    return emit.permute(2, 0, 1).contiguous(), edges


def _start(emit: Tensor) -> Tensor:
    """The scores [B, W] of the first label, which only vertex 0 emits."""
    first = torch.full_like(emit, -torch.inf)
    first[:, 0] = emit[:, 0]
    return first


def _last(f: Tensor, graphs: Graphs) -> Tensor:
    """The score [B] of the last label at the last vertex, from scores [T, B, W]."""
    return f[graphs.labels - 1, torch.arange(f.size(1), device=f.device), graphs.vertices - 1]


def _safe_logsumexp(x: Tensor, dim: int) -> Tensor:
    """logsumexp, which overwrites x; minus infinity for nothing but minus infinities."""
    largest = x.amax(dim, keepdim=True)
    shift = largest.masked_fill(largest.isneginf(), 0)
    return x.sub_(shift).exp_().sum(dim).log_().add_(shift.squeeze(dim))

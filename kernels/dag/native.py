"""The recursions of the DAG loss in C++ on a CPU, in float32 (`graphs.cpp`).

Where the C++ loses a path that `padded` finds, because its steps or scores are too far apart for a float, the batch is
computed there. Axes: B sentences, P vertices of all graphs, W the widest graph, T labels.
"""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from kernels.dag import padded
from kernels.dag.graphs import Graphs
from kernels.native import address, library

# The share of the posteriors that may be lost before a batch is computed again.
_LOST = 1e-2


def supports(match: Tensor, links: Tensor) -> bool:
    """Whether the C++ operator supports the device and the types."""
    return all(x.device.type == "cpu" and x.dtype == torch.float32 for x in (match, links))


def forward(match: Tensor, links: Tensor, graphs: Graphs) -> tuple[Tensor, Tensor]:
    """log P [B] of the labels, and what `backward` reads: the scores of each sentence."""
    batch = _Batch(match, links, graphs)
    out, kept = match.new_empty(len(graphs.labels)), match.new_empty(batch.size)
    _library().dag_forward(*batch.words, *map(address, (out, kept)), torch.get_num_threads())
    if bool((~out.isfinite() & (graphs.vertices >= graphs.labels)).any()):
        out, _ = padded.forward(match, links, graphs)
    return out, kept


def backward(
    d_out: Tensor, match: Tensor, links: Tensor, graphs: Graphs, out: Tensor, kept: Tensor
) -> tuple[Tensor, Tensor]:
    """d_match [P, T] and d_links [P, W]: the posteriors of vertices and of edges, times d_out [B]."""
    batch = _Batch(match, links, graphs)
    d_match, d_links, mass = torch.zeros_like(match), torch.empty_like(links), torch.empty_like(out)
    results = (out, kept, d_out.contiguous(), d_match, d_links, mass)
    _library().dag_backward(*batch.words, *map(address, results), torch.get_num_threads())
    whole = (mass - graphs.labels).abs() <= _LOST * graphs.labels
    if bool((~whole & ~out.isneginf()).any()):
        exact, scores = padded.forward(match, links, graphs)
        return padded.backward(d_out, match, links, graphs, exact, scores)
    return d_match, d_links


def best_path(match: Tensor, links: Tensor, graphs: Graphs) -> tuple[Tensor, Tensor]:
    """log P [B] of the best path, and its vertices [B, T]; of tied predecessors the first. Any vertices if none is."""
    batch = _Batch(match, links, graphs)
    out = match.new_empty(len(graphs.labels))
    path = torch.zeros(len(out), int(graphs.labels.max()), dtype=torch.long)
    results = address(out), address(path), path.size(1)
    _library().dag_best_path(*batch.layout, *batch.sizes, *results, torch.get_num_threads())
    return out, path


class _Batch:
    """The arguments that all functions share, and the tensors behind their addresses."""

    def __init__(self, match: Tensor, links: Tensor, graphs: Graphs):
        kept = [_library().dag_kept(*sizes) for sizes in zip(graphs.vertices.tolist(), graphs.labels.tolist())]
        self.size = sum(kept)
        starts = torch.tensor(kept).cumsum(0) - torch.tensor(kept)
        self.tensors = [x.contiguous() for x in (match, links, graphs.bounds, graphs.labels, starts)]
        *self.layout, self.starts = map(address, self.tensors)
        self.sizes = len(kept), match.size(1), links.size(1)

    @property
    def words(self) -> tuple[Any, ...]:
        """Of the functions that keep scores."""
        return *self.layout, self.starts, *self.sizes


@cache
def _library() -> ctypes.CDLL:
    loaded = library(Path(__file__).with_name("graphs.cpp"))
    pointer, integer = ctypes.c_void_p, ctypes.c_int64
    arguments: dict[str, tuple[Any, list[Any]]] = {
        "dag_kept": (integer, [integer] * 2),
        "dag_forward": (None, [*[pointer] * 5, *[integer] * 3, *[pointer] * 2, ctypes.c_int]),
        "dag_backward": (None, [*[pointer] * 5, *[integer] * 3, *[pointer] * 6, ctypes.c_int]),
        "dag_best_path": (None, [*[pointer] * 4, *[integer] * 3, *[pointer] * 2, integer, ctypes.c_int]),
    }
    for name, (result, types) in arguments.items():
        function = getattr(loaded, name)
        function.restype, function.argtypes = result, types
    return loaded

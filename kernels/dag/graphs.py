"""The layout of a batch of ragged graphs. Axes: B sentences, P vertices of all graphs, W the widest, T labels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Graphs:
    """vertices, labels: [B] int64, the vertices and the labels of each sentence. The P vertices lie in this order."""

    vertices: Tensor
    labels: Tensor

    @cached_property
    def bounds(self) -> Tensor:
        """[B + 1] where the vertices of each graph begin."""
        return F.pad(self.vertices.cumsum(0), (1, 0))

    @cached_property
    def sentence(self) -> Tensor:
        """[P] the sentence of a vertex."""
        return torch.repeat_interleave(self.vertices)

    @cached_property
    def place(self) -> Tensor:
        """[P] the number of a vertex in its graph."""
        return torch.arange(self.sentence.numel(), device=self.vertices.device) - self.bounds[self.sentence]

    def check(self, match: Tensor, links: Tensor) -> None:
        """Raise ValueError if match [P, T] and links [P, W] are too small for the graphs."""
        sizes = torch.stack([self.vertices.sum(), *(x.max() for x in (self.labels, self.vertices))]).tolist()
        needed = (sizes[0], sizes[1]), (sizes[0], sizes[2])
        for name, x, (rows, columns) in zip(("match", "links"), (match, links), needed):
            if x.dim() != 2 or x.size(0) != rows or x.size(1) < columns:
                raise ValueError(f"{name} has the shape {tuple(x.shape)}, the graphs need {rows} x {columns}")

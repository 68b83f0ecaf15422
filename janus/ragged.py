"""Rows of a batch without padding, and the padded grid that attention needs.

Every linear layer of the model works on rows [N, D]: all positions of all sentences one after another, none of
them padding. Only attention has to know which rows belong together; `Ragged` is that knowledge.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Ragged:
    """Which group (sentence) each of N rows belongs to, and its place in the padded grid [G, W].

    group: [N] group of a row.  slot: [N] its cell in the flattened grid, group * width + offset.
    groups, width: G and W, plain integers, so that nothing waits for the device.
    """

    group: Tensor
    slot: Tensor
    groups: int
    width: int

    @classmethod
    def of(cls, group: Tensor, groups: int) -> Ragged:
        """Lay out rows by their group [N]; rows of a group keep their order. Builds on the CPU without a loop."""
        counts = torch.bincount(group, minlength=groups)
        order = torch.argsort(group, stable=True)
        starts = counts.cumsum(0) - counts
        offset = torch.empty_like(group)
        offset[order] = torch.arange(group.numel(), device=group.device) - starts[group[order]]
        width = int(counts.max()) if groups else 0
        return cls(group, group * width + offset, groups, width)

    def pad(self, rows: Tensor, fill: float = 0) -> Tensor:
        """Rows [N, ...] on the grid [G, W, ...]; cells without a row hold `fill`."""
        cells = rows.new_full((self.groups * self.width, *rows.shape[1:]), fill)
        return cells.index_copy(0, self.slot, rows).view(self.groups, self.width, *rows.shape[1:])

    def unpad(self, grid: Tensor) -> Tensor:
        """The rows [N, ...] of a grid [G, W, ...]."""
        return grid.reshape(self.groups * self.width, *grid.shape[2:]).index_select(0, self.slot)

    def filled(self) -> Tensor:
        """Boolean [G, W]: cells that hold a row."""
        return self.pad(torch.ones_like(self.slot, dtype=torch.bool), False)

    def to(self, device: torch.device | str) -> Ragged:
        """The same layout on another device."""
        return Ragged(self.group.to(device), self.slot.to(device), self.groups, self.width)


@dataclass(frozen=True)
class Source:
    """The source side of a batch: tokens [N], their positions [N], their layout over B sentences."""

    token: Tensor
    position: Tensor
    layout: Ragged

    @classmethod
    def of(cls, tokens: Tensor, pad: int) -> Source:
        """Take the non-pad cells of source tokens [B, S], wherever the padding lies."""
        present = tokens.ne(pad)
        sentence, _ = present.nonzero(as_tuple=True)
        position = (present.cumsum(1) - 1)[present]
        return cls(tokens[present], position, Ragged.of(sentence, tokens.size(0)))

    def to(self, device: torch.device | str) -> Source:
        """The same batch on another device."""
        return Source(self.token.to(device), self.position.to(device), self.layout.to(device))

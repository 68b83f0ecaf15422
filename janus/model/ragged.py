"""Rows of a batch without padding, and the padded grid that attention needs.

Every linear layer of the model works on rows [N, D]: all positions of all sentences one after another, none of
them padding. Only attention needs to know which rows belong together; `Ragged` describes this.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Ragged:
    """Which group (sentence) each of N rows belongs to: group [N], over `groups` G groups.

    The padded grid [G, W] is computed on first use. Its width W is a number on the host, so computing it synchronises
    with the GPU. The kernels never use the grid.
    """

    group: Tensor
    groups: int

    def counts(self) -> Tensor:
        """[G] the number of rows of each group."""
        return torch.zeros(self.groups, dtype=torch.long, device=self.group.device).index_add(
            0, self.group, torch.ones_like(self.group)
        )

    def bounds(self) -> Tensor:
        """[G + 1] where the rows of each group begin, for rows ordered by group."""
        return F.pad(self.counts().cumsum(0), (1, 0))

    @cached_property
    def width(self) -> int:
        """W, the rows of the largest group."""
        return int(self.counts().max()) if self.groups else 0

    @cached_property
    def slot(self) -> Tensor:
        """[N] the cell of a row in the flattened grid; rows of a group keep their order."""
        order = torch.argsort(self.group, stable=True)
        offset = torch.empty_like(self.group)
        starts = self.bounds()[self.group[order]]
        offset[order] = torch.arange(self.group.numel(), device=self.group.device) - starts
        return self.group * self.width + offset

    def pad(self, rows: Tensor, fill: float = 0) -> Tensor:
        """Rows [N, ...] on the grid [G, W, ...]; cells without a row hold `fill`."""
        cells = rows.new_full((self.groups * self.width, *rows.shape[1:]), fill)
        return cells.index_copy(0, self.slot, rows).view(self.groups, self.width, *rows.shape[1:])

    def unpad(self, grid: Tensor) -> Tensor:
        """The rows [N, ...] of a grid [G, W, ...]."""
        return grid.reshape(self.groups * self.width, *grid.shape[2:]).index_select(0, self.slot)

    def filled(self) -> Tensor:
        """Boolean [G, W]: cells that hold a row."""
        return self.pad(torch.ones_like(self.group, dtype=torch.bool), False)

    def to(self, device: torch.device | str) -> Ragged:
        """The same layout on another device."""
        return Ragged(self.group.to(device), self.groups)


@dataclass(frozen=True)
class Source:
    """The source side of a batch: tokens [N], their positions [N], their layout over B sentences."""

    token: Tensor
    position: Tensor
    layout: Ragged

    @classmethod
    def of(cls, tokens: Tensor, pad: int) -> Source:
        """Take the non-pad cells of source tokens [B, S], on whichever side the padding is."""
        present = tokens.ne(pad)
        sentence, _ = present.nonzero(as_tuple=True)
        position = (present.cumsum(1) - 1)[present]
        return cls(tokens[present], position, Ragged(sentence, tokens.size(0)))

    def to(self, device: torch.device | str) -> Source:
        """The same batch on another device."""
        return Source(self.token.to(device), self.position.to(device), self.layout.to(device))

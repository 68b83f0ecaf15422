"""Multi-head attention between ragged rows.

The rows stay packed (`kernels.attention`); types that the CPU operator does not support are padded to grids.
Axes: P query rows, C key rows, D model, H heads; G groups (sentences), Q and K the widths of the padded grids.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from janus.model.dropout import dropout
from janus.model.ragged import Ragged
from kernels.attention import native_spans, span_attention
from kernels.backend import uses_triton
from kernels.rounded_linear import RoundedLinear


@dataclass(frozen=True)
class View:
    """Which keys each query row sees.

    queries, keys: layouts over the same G groups. spans: [P, 4] int32, two half-open intervals of key rows for each
    query row, inside its group; None if every row sees its whole group, whose keys are then contiguous.
    second_part: [P] boolean, the rows of the second part if the query rows are two parts, each ordered by group.
    """

    queries: Ragged
    keys: Ragged
    spans: Tensor | None = None
    second_part: Tensor | None = None

    def attend(self, q: Tensor, k: Tensor, v: Tensor, heads: int, dropout: float) -> Tensor:
        """Scaled dot-product attention of rows q [P, D] over rows k, v [C, D]; returns [P, D]."""
        # [P, H, E], [C, H, E], [C, H, E]
        q_heads, k_heads, v_heads = (x.unflatten(1, (heads, -1)) for x in (q, k, v))
        if uses_triton(q.device):
            return span_attention(q_heads, k_heads, v_heads, self._all_spans, self.query_spans, dropout).flatten(1)
        if native_spans.supports(q_heads):
            # Only the GPU kernels need query_spans.
            return span_attention(q_heads, k_heads, v_heads, self._all_spans, None, dropout).flatten(1)
        return self.attend_padded(q, k, v, heads, dropout)

    def attend_padded(self, q: Tensor, k: Tensor, v: Tensor, heads: int, dropout: float) -> Tensor:
        """The same on padded grids, in any floating type."""
        q, k, v = (_heads(layout.pad(x), heads) for layout, x in ((self.queries, q), (self.keys, k), (self.keys, v)))
        mask = None if self.visible is None else self.visible[:, None]
        attend = _products if q.requires_grad else F.scaled_dot_product_attention
        out = attend(q, k, v, attn_mask=mask, dropout_p=dropout)
        return self.queries.unpad(out.transpose(1, 2).flatten(2))

    @cached_property
    def visible(self) -> Tensor | None:
        """[G, Q, K] boolean for the padded grids, or None if no cell is empty or hidden."""
        if self.spans is None:
            return (
                None if self.keys.group.numel() == self.keys.groups * self.keys.width else self.keys.filled()[:, None]
            )
        rows = torch.arange(self.keys.group.numel(), dtype=torch.int32, device=self.spans.device)
        key = self.keys.pad(rows, -1)[:, None]
        start, end, second_start, second_end = self.queries.pad(self.spans)[:, :, None].unbind(-1)
        seen = ((key >= start) & (key < end)) | ((key >= second_start) & (key < second_end))
        # An empty query cell must see something: a softmax over nothing is NaN, and NaN spreads through gradients.
        return seen | ~self.queries.filled()[:, :, None]

    @cached_property
    def _all_spans(self) -> Tensor:
        """[P, 4] the intervals of every row."""
        if self.spans is not None:
            return self.spans
        bounds = self.keys.bounds().int()
        start, end = bounds[self.queries.group], bounds[self.queries.group + 1]
        return torch.stack([start, end, torch.zeros_like(start), torch.zeros_like(start)], 1)

    @cached_property
    def query_spans(self) -> Tensor:
        """[C, 4] the query rows of each key's group, in both parts."""
        groups = self.queries.groups
        part = self.queries.group if self.second_part is None else self.queries.group + groups * self.second_part
        bounds = Ragged(part, 2 * groups).bounds().int()
        first, second = self.keys.group, self.keys.group + groups
        return torch.stack([bounds[first], bounds[first + 1], bounds[second], bounds[second + 1]], 1)


def _products(q: Tensor, k: Tensor, v: Tensor, *, attn_mask: Tensor | None, dropout_p: float) -> Tensor:
    """Attention as two matrix products and a softmax.

    On CPUs and at sentence lengths, the backward pass of torch's fused operator is slower than this forward and
    backward pass together (measured: it took more than half of a training step).
    """
    scores = torch.matmul(q * q.size(-1) ** -0.5, k.transpose(-2, -1))
    if attn_mask is not None:
        scores = scores.masked_fill(~attn_mask, -torch.inf)
    return torch.matmul(dropout(scores.softmax(-1), dropout_p), v)


def _heads(grid: Tensor, heads: int) -> Tensor:
    """[G, W, D] -> [G, H, W, D / H]"""
    return grid.unflatten(2, (heads, -1)).transpose(1, 2)


class Attention(nn.Module):
    """The four projections of one attention, with fairseq's names so that its checkpoints load."""

    def __init__(self, dimension: int, heads: int, dropout: float):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.k_proj = RoundedLinear(dimension, dimension)
        self.v_proj = RoundedLinear(dimension, dimension)
        self.q_proj = RoundedLinear(dimension, dimension)
        self.out_proj: nn.Module = RoundedLinear(dimension, dimension)

    def forward(self, queries: Tensor, keys: Tensor, values: Tensor, view: View) -> Tensor:
        """Attend from rows `queries` [P, D] to already projected rows `keys`, `values` [C, D]; returns [P, D]."""
        dropout = self.dropout if self.training else 0.0
        return self.out_proj(view.attend(self.q_proj(queries), keys, values, self.heads, dropout))

    def keys_values(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Project rows [..., D] into keys and values, each [..., D]."""
        return self.k_proj(rows), self.v_proj(rows)

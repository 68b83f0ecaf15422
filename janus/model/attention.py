"""Multi-head attention between ragged rows.

Axes: P query rows, C key rows, D model, H heads; G groups (sentences), Q and K the widths of the padded grids.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from janus.model.dropout import dropout
from janus.ragged import Ragged


@dataclass(frozen=True)
class View:
    """Which keys each query row sees.

    queries, keys: layouts over the same G groups. visible: [G, Q, K] boolean, or None where every row of a group
    sees every key of it and no cell is empty. Build it with `View.of`.
    """

    queries: Ragged
    keys: Ragged
    visible: Tensor | None

    @classmethod
    def of(cls, queries: Ragged, keys: Ragged, allowed: Tensor | None = None) -> View:
        """A view where rows see the keys of their group, restricted to `allowed` [G, Q, K] if given."""
        dense = keys.slot.numel() == keys.groups * keys.width
        if allowed is None and dense:
            return cls(queries, keys, None)
        visible = keys.filled()[:, None, :]
        if allowed is not None:
            # An empty query cell must see something: a softmax over nothing is NaN, and NaN spreads through gradients.
            visible = (visible & allowed) | ~queries.filled()[:, :, None]
        return cls(queries, keys, visible)

    def attend(self, q: Tensor, k: Tensor, v: Tensor, heads: int, dropout: float) -> Tensor:
        """Scaled dot-product attention of rows q [P, D] over rows k, v [C, D]; returns [P, D]."""
        q, k, v = (_heads(layout.pad(x), heads) for layout, x in ((self.queries, q), (self.keys, k), (self.keys, v)))
        mask = None if self.visible is None else self.visible[:, None]
        attend = _products if q.device.type == "cpu" and q.requires_grad else F.scaled_dot_product_attention
        out = attend(q, k, v, attn_mask=mask, dropout_p=dropout)
        return self.queries.unpad(out.transpose(1, 2).flatten(2))


def _products(q: Tensor, k: Tensor, v: Tensor, *, attn_mask: Tensor | None, dropout_p: float) -> Tensor:
    """Attention as two matrix products and a softmax.

    On CPUs the backward pass of torch's fused operator is slower than this whole forward and backward pass at the
    lengths of sentences (measured: more than half of a training step went there).
    """
    scores = torch.matmul(q * q.size(-1) ** -0.5, k.transpose(-2, -1))
    if attn_mask is not None:
        scores = scores.masked_fill(~attn_mask, -torch.inf)
    return torch.matmul(dropout(scores.softmax(-1), dropout_p), v)


def _heads(grid: Tensor, heads: int) -> Tensor:
    """[G, W, D] -> [G, H, W, D / H]"""
    return grid.unflatten(2, (heads, -1)).transpose(1, 2)


class Attention(nn.Module):
    """The four projections of one attention, named as fairseq names them so that its checkpoints load."""

    def __init__(self, dimension: int, heads: int, dropout: float):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.k_proj = nn.Linear(dimension, dimension)
        self.v_proj = nn.Linear(dimension, dimension)
        self.q_proj = nn.Linear(dimension, dimension)
        self.out_proj = nn.Linear(dimension, dimension)

    def forward(self, queries: Tensor, keys: Tensor, values: Tensor, view: View) -> Tensor:
        """Attend from rows `queries` [P, D] to already projected rows `keys`, `values` [C, D]; returns [P, D]."""
        dropout = self.dropout if self.training else 0.0
        return self.out_proj(view.attend(self.q_proj(queries), keys, values, self.heads, dropout))

    def keys_values(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Project rows [..., D] into keys and values, each [..., D]."""
        return self.k_proj(rows), self.v_proj(rows)

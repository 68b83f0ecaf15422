"""Linear layers over a number of rows that changes from batch to batch, for training on a CPU in bfloat16.

oneDNN compiles a program for every shape that it meets, and packed batches rarely have as many rows as an earlier one.
For a layer of 128 x 256 and 4,000 rows, forward and backward, that took four fifths of the time. With rows of zeros up
to one of eight numbers an octave, few shapes remain, and their programs stay in oneDNN's cache.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kernels.backend import product_type

# Steps between a number of rows and twice that number; the least step.
_STEPS, _LEAST = 8, 16


class RoundedLinear(nn.Linear):
    """torch's linear layer; where it trains on a CPU in bfloat16, its products run on rounded numbers of rows."""

    def forward(self, x: Tensor) -> Tensor:
        """x [..., inputs] -> [..., outputs], in autocast's dtype if that is enabled."""
        dtype = product_type(x)
        rounds = dtype == torch.bfloat16 and x.device.type == "cpu" and torch.is_grad_enabled()
        if not rounds or torch.compiler.is_compiling():
            return super().forward(x)
        bias = None if self.bias is None else self.bias.to(dtype)
        out = _RoundedLinear.apply(x.to(dtype).reshape(-1, self.in_features), self.weight.to(dtype), bias)
        return out.view(*x.shape[:-1], self.out_features)


def rounded(rows: int) -> int:
    """The number of rows that products run on: at least `rows`, and at most an eighth more if that is more than 15."""
    step = max(_LEAST, (1 << rows.bit_length()) // (2 * _STEPS))
    return -(-rows // step) * step


class _RoundedLinear(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias):
        """The outputs [N, O] of rows x [N, I], for weight [O, I] and bias [O] or None, all in bfloat16."""
        rows, x = x.size(0), _with_zeros(x)
        ctx.save_for_backward(x, weight)
        with torch.autocast("cpu", enabled=False):
            return F.linear(x, weight, bias)[:rows]

    @staticmethod
    def backward(ctx, d_out):
        """d_x [N, I], d_weight [O, I] and d_bias [O], those that are needed."""
        x, weight = ctx.saved_tensors
        needs_x, needs_weight, needs_bias = ctx.needs_input_grad
        rows, d_out = d_out.size(0), _with_zeros(d_out)
        with torch.autocast("cpu", enabled=False):
            d_x = (d_out @ weight)[:rows] if needs_x else None
            d_weight = d_out.T @ x if needs_weight else None
        return d_x, d_weight, d_out.sum(0) if needs_bias else None


def _with_zeros(x: Tensor) -> Tensor:
    """Rows x [N, D], contiguous, and rows of zeros up to the rounded number."""
    rows, total = x.size(0), rounded(x.size(0))
    if rows == total:
        return x.contiguous()
    longer = x.new_empty(total, x.size(1))
    longer[:rows] = x
    longer[rows:] = 0
    return longer

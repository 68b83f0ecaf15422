"""Layer normalisation of a residual sum with dropout, the last step of each sublayer of a post-norm Transformer.

In training on a CPU, one C++ operator (`norm.cpp`) replaces a dozen passes of PyTorch over memory. It also writes the
output in the type of the next matrix products. Axes: N rows, D units.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from kernels.backend import product_type
from kernels.native import TYPES, address, library


def residual_norm(
    rows: Tensor, update: Tensor, weight: Tensor, bias: Tensor, epsilon: float, dropout: float = 0.0
) -> tuple[Tensor, Tensor]:
    """LayerNorm(rows + dropout(update)) [N, D], and the same in the type of matrix products.

    rows, update: [..., D]. weight, bias: [D]. dropout: the share of the update that is zeroed; the rest is scaled up;
    seeded from torch's generator. The second output has autocast's type if autocast is on, otherwise it is the first.
    """
    product = product_type(rows)
    # Also without gradients: two passes from one state of the generator drop the same units.
    if (torch.is_grad_enabled() or dropout) and _supports(rows, update, product):
        out, lean = _ResidualNorm.apply(rows, update, weight, bias, epsilon, dropout, product)
        return out, out if lean is None else lean
    out = F.layer_norm(rows + F.dropout(update, dropout), weight.shape, weight, bias, epsilon)
    return out, out.to(product)


def _supports(rows: Tensor, update: Tensor, product: torch.dtype) -> bool:
    """Whether the C++ operator supports the device and the types."""
    return rows.device.type == "cpu" and rows.dtype == torch.float32 and update.dtype == product and product in TYPES


class _ResidualNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, rows, update, weight, bias, epsilon, dropout, product):
        """The output in float32, and in the type of products if that is different."""
        rows, update = rows.contiguous(), update.contiguous()
        seed = int(torch.randint(2**31, ())) if dropout else 0
        # rows, update, out, normalised, lean: [..., D]; rstd: [...]
        out, normalised = torch.empty_like(rows), torch.empty_like(rows)
        rstd = rows.new_empty(rows.shape[:-1])
        lean = torch.empty_like(update) if product != rows.dtype else None
        ctx.numbers = _numbers(update, epsilon, dropout, seed)
        tensors = (rows, update, weight, bias, out, lean, normalised, rstd)
        _functions()[0](*map(_address, tensors), *ctx.numbers, torch.get_num_threads())
        ctx.save_for_backward(normalised, rstd, weight)
        ctx.product = product
        ctx.set_materialize_grads(False)
        return out, lean

    @staticmethod
    def backward(ctx, d_out, d_lean):
        """Gradients of rows, update, weight and bias."""
        normalised, rstd, weight = ctx.saved_tensors
        if d_out is None and d_lean is None:
            return (None,) * 7
        d_out, d_lean = (None if x is None else x.contiguous() for x in (d_out, d_lean))
        d_rows, d_update = torch.empty_like(normalised), torch.empty_like(normalised, dtype=ctx.product)
        d_weight, d_bias = torch.empty_like(weight), torch.empty_like(weight)
        tensors = (d_out, d_lean, normalised, rstd, weight, d_rows, d_update, d_weight, d_bias)
        _functions()[1](*map(_address, tensors), *ctx.numbers, torch.get_num_threads())
        return d_rows, d_update, d_weight, d_bias, None, None, None


def _address(x: Tensor | None) -> ctypes.c_void_p:
    return ctypes.c_void_p(None) if x is None else address(x)


def _numbers(update: Tensor, epsilon: float, dropout: float, seed: int) -> tuple[object, ...]:
    size = update.size(-1)
    return update.dtype == torch.bfloat16, update.numel() // size, size, epsilon, dropout, seed


@cache
def _functions() -> tuple[Callable[..., Any], Callable[..., Any]]:
    loaded = library(Path(__file__).with_name("norm.cpp"))
    numbers: list[Any] = [
        ctypes.c_int,
        *[ctypes.c_int64] * 2,
        ctypes.c_float,
        ctypes.c_float,
        ctypes.c_uint64,
        ctypes.c_int,
    ]
    for function, tensors in ((loaded.norm_forward, 8), (loaded.norm_backward, 9)):
        function.argtypes = [*[ctypes.c_void_p] * tensors, *numbers]
        function.restype = None
    return loaded.norm_forward, loaded.norm_backward

"""Fused dropout, residual addition and layer normalisation, which end each sublayer of a post-norm Transformer.

In training on a CPU, one C++ operator (`norm.cpp`) replaces a dozen passes of PyTorch over memory. It also writes the
output in the dtype of the next matrix products. Axes: N rows, D model.
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
    residual: Tensor, x: Tensor, weight: Tensor, bias: Tensor, eps: float, dropout: float = 0.0
) -> tuple[Tensor, Tensor]:
    """LayerNorm(residual + dropout(x)), and the same in the dtype of matrix products.

    residual, x, outputs: [..., D]. weight, bias: [D]. dropout: the probability of zeroing an element of x, seeded from
    torch's generator. The second output has the dtype of autocast if that is enabled, otherwise it is the first.
    """
    dtype = product_type(residual)
    if torch.is_grad_enabled() and _supports(residual, x, dtype):
        out, out_cast = _ResidualNorm.apply(residual, x, weight, bias, eps, dropout, dtype)
        return out, out if out_cast is None else out_cast
    out = F.layer_norm(residual + F.dropout(x, dropout), weight.shape, weight, bias, eps)
    return out, out.to(dtype)


def _supports(residual: Tensor, x: Tensor, dtype: torch.dtype) -> bool:
    """Whether the C++ operator supports the device and the dtypes."""
    return residual.device.type == "cpu" and residual.dtype == torch.float32 and x.dtype == dtype and dtype in TYPES


class _ResidualNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, residual, x, weight, bias, eps, dropout, dtype):
        """The output in float32, and in the dtype of matrix products if that differs."""
        residual, x = residual.contiguous(), x.contiguous()
        seed = int(torch.randint(2**31, ())) if dropout else 0
        # residual, x, out, x_hat, out_cast: [..., D]; rstd: [...]
        out, x_hat = torch.empty_like(residual), torch.empty_like(residual)
        rstd = residual.new_empty(residual.shape[:-1])
        out_cast = torch.empty_like(x) if dtype != residual.dtype else None
        ctx.numbers = _numbers(x, eps, dropout, seed)
        tensors = (residual, x, weight, bias, out, out_cast, x_hat, rstd)
        _functions()[0](*map(_address, tensors), *ctx.numbers, torch.get_num_threads())
        ctx.save_for_backward(x_hat, rstd, weight)
        ctx.x_dtype = dtype
        ctx.set_materialize_grads(False)
        return out, out_cast

    @staticmethod
    def backward(ctx, d_out, d_out_cast):
        """d_residual, d_x, d_weight and d_bias."""
        x_hat, rstd, weight = ctx.saved_tensors
        if d_out is None and d_out_cast is None:
            return (None,) * 7
        d_out, d_out_cast = (None if d is None else d.contiguous() for d in (d_out, d_out_cast))
        d_residual, d_x = torch.empty_like(x_hat), torch.empty_like(x_hat, dtype=ctx.x_dtype)
        d_weight, d_bias = torch.empty_like(weight), torch.empty_like(weight)
        tensors = (d_out, d_out_cast, x_hat, rstd, weight, d_residual, d_x, d_weight, d_bias)
        _functions()[1](*map(_address, tensors), *ctx.numbers, torch.get_num_threads())
        return d_residual, d_x, d_weight, d_bias, None, None, None


def _address(tensor: Tensor | None) -> ctypes.c_void_p:
    return ctypes.c_void_p(None) if tensor is None else address(tensor)


def _numbers(x: Tensor, eps: float, dropout: float, seed: int) -> tuple[object, ...]:
    size = x.size(-1)
    return x.dtype == torch.bfloat16, x.numel() // size, size, eps, dropout, seed


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

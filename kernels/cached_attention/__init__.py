"""Attention of hypotheses to their own past steps in a cache whose rows are never moved.

Without it, beam search would have to reorder all past keys and values in each step.
Axes: N hypotheses, R query rows of each, T steps so far, W rows per step, H heads, E head size.
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

from kernels.native import address, library


def cached_attention(q: Tensor, keys: Tensor, values: Tensor, ancestors: Tensor) -> Tensor:
    """Attend from q [N, R, H, E] to keys and values [T, W, H, E]; returns [N, R, H, E].

    ancestors: [N, T] int32, for each step the row that the hypothesis continues. No gradients. C++ for float32 on a
    CPU, otherwise torch's operators. Raises ValueError if the shapes do not agree.
    """
    rows, _, heads, size = q.shape
    if keys.shape != values.shape or keys.shape[2:] != (heads, size) or ancestors.shape != (rows, keys.size(0)):
        shapes = ", ".join(str(list(x.shape)) for x in (q, keys, values, ancestors))
        raise ValueError(f"q, keys, values, ancestors do not agree: {shapes}")
    if q.device.type == "cpu" and q.dtype == torch.float32:
        return _native(q.contiguous(), keys, values, ancestors)
    step = torch.arange(keys.size(0), device=q.device)
    # [N, H, R or T, E]
    k, v = (x[step, ancestors.long()].transpose(1, 2) for x in (keys, values))
    return F.scaled_dot_product_attention(q.transpose(1, 2), k, v).transpose(1, 2)


def _native(q: Tensor, keys: Tensor, values: Tensor, ancestors: Tensor) -> Tensor:
    if not (keys.is_contiguous() and values.is_contiguous() and ancestors.stride(1) == 1):
        raise ValueError("keys, values and the rows of ancestors must be contiguous")
    rows, queries, heads, size = q.shape
    out = torch.empty_like(q)
    numbers = (rows, queries, keys.size(0), keys.size(1), ancestors.stride(0), heads, size)
    tensors = map(address, (q, keys, values, ancestors, out))
    _function()(*tensors, *numbers, size**-0.5, torch.get_num_threads())
    return out


@cache
def _function() -> Callable[..., Any]:
    function = library(Path(__file__).with_name("steps.cpp")).cached_attention
    function.argtypes = [*[ctypes.c_void_p] * 5, *[ctypes.c_int64] * 7, ctypes.c_float, ctypes.c_int]
    function.restype = None
    return function

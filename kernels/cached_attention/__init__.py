"""Self-attention of beam search hypotheses over a key-value cache that is never reordered.

Instead of permuting all past keys and values in each step, a table of ancestors maps each hypothesis to its rows.
Axes: N hypotheses, R query rows per hypothesis, T past steps, W cached rows per step, H heads, E head size.
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


def cached_attention(q: Tensor, k: Tensor, v: Tensor, ancestors: Tensor) -> Tensor:
    """Scaled dot-product attention of q [N, R, H, E] over k, v [T, W, H, E]; returns [N, R, H, E].

    ancestors: [N, T] int32, the cached row of each past step that the hypothesis descends from. No gradients. C++ for
    float32 on a CPU, otherwise PyTorch. Raises ValueError if the shapes do not agree.
    """
    rows, _, heads, size = q.shape
    if k.shape != v.shape or k.shape[2:] != (heads, size) or ancestors.shape != (rows, k.size(0)):
        shapes = ", ".join(str(list(x.shape)) for x in (q, k, v, ancestors))
        raise ValueError(f"q, k, v, ancestors do not agree: {shapes}")
    if q.device.type == "cpu" and q.dtype == torch.float32:
        return _native(q.contiguous(), k, v, ancestors)
    step = torch.arange(k.size(0), device=q.device)
    # k_n, v_n: [N, H, T, E], gathered per hypothesis
    k_n, v_n = (x[step, ancestors.long()].transpose(1, 2) for x in (k, v))
    return F.scaled_dot_product_attention(q.transpose(1, 2), k_n, v_n).transpose(1, 2)


def _native(q: Tensor, k: Tensor, v: Tensor, ancestors: Tensor) -> Tensor:
    if not (k.is_contiguous() and v.is_contiguous() and ancestors.stride(1) == 1):
        raise ValueError("k, v and the rows of ancestors must be contiguous")
    rows, queries, heads, size = q.shape
    out = torch.empty_like(q)
    numbers = (rows, queries, k.size(0), k.size(1), ancestors.stride(0), heads, size)
    tensors = map(address, (q, k, v, ancestors, out))
    _function()(*tensors, *numbers, size**-0.5, torch.get_num_threads())
    return out


@cache
def _function() -> Callable[..., Any]:
    function = library(Path(__file__).with_name("steps.cpp")).cached_attention
    function.argtypes = [*[ctypes.c_void_p] * 5, *[ctypes.c_int64] * 7, ctypes.c_float, ctypes.c_int]
    function.restype = None
    return function

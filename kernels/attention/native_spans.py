"""Span attention in C++ on a CPU (`spans.cpp`). Axes: P query rows, C key rows, H heads, E head size."""

import ctypes
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from kernels.native import TYPES, address, library

# The largest head size that the source is compiled for.
LARGEST = 128


def supports(q: Tensor) -> bool:
    """Whether queries of this type and head size can be computed."""
    return q.dtype in TYPES and q.size(-1) <= LARGEST


def forward(q: Tensor, k: Tensor, v: Tensor, spans: Tensor, dropout: float, seed: Tensor) -> tuple[Tensor, Tensor]:
    """The output [P, H, E] and the log-sum-exp of each row [P, H]; q, k, v are contiguous."""
    out = torch.empty_like(q)
    lse = q.new_empty(q.shape[:2], dtype=torch.float32)
    tensors = (q, k, v, spans, out, lse)
    _require(_functions()[0](*map(address, tensors), *_numbers(q, k, dropout, seed)), q)
    return out, lse


def backward(
    d_out: Tensor,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    spans: Tensor,
    query_spans: Tensor,
    out: Tensor,
    lse: Tensor,
    dropout: float,
    seed: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """dq, dk and dv. `query_spans` and `out` are not read; the GPU kernels need them."""
    gradients = torch.empty_like(q), torch.empty_like(k), torch.empty_like(v)
    tensors = (d_out, q, k, v, spans, lse, *gradients)
    _require(_functions()[1](*map(address, tensors), *_numbers(q, k, dropout, seed)), q)
    return gradients


def _numbers(q: Tensor, k: Tensor, dropout: float, seed: Tensor) -> tuple[object, ...]:
    rows, heads, size = q.shape
    half = q.dtype == torch.bfloat16
    return half, rows, k.size(0), heads, size, size**-0.5, dropout, int(seed), torch.get_num_threads()


def _require(status: int, q: Tensor) -> None:
    if status:
        raise ValueError(f"heads of {q.size(-1)} units are not supported; at most {LARGEST}")


@cache
def _functions() -> tuple[Callable[..., Any], Callable[..., Any]]:
    loaded = library(Path(__file__).with_name("spans.cpp"))
    numbers: list[Any] = [
        ctypes.c_int,
        *[ctypes.c_int64] * 4,
        ctypes.c_float,
        ctypes.c_float,
        ctypes.c_uint64,
        ctypes.c_int,
    ]
    for function, tensors in ((loaded.span_forward, 6), (loaded.span_backward, 9)):
        function.argtypes = [*[ctypes.c_void_p] * tensors, *numbers]
        function.restype = ctypes.c_int
    return loaded.span_forward, loaded.span_backward

"""Span attention in C++ on a CPU (`spans.cpp`). Axes: P query rows, C key rows, H heads, E head size."""

import ctypes
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from kernels.native import TYPES, address, library

# The largest head size that spans.cpp instantiates.
MAX_HEAD_SIZE = 128


def supports(q: Tensor) -> bool:
    """Whether the kernels support the dtype and the head size of q."""
    return q.dtype in TYPES and q.size(-1) <= MAX_HEAD_SIZE


def forward(q: Tensor, k: Tensor, v: Tensor, spans: Tensor, dropout: float, seed: Tensor) -> tuple[Tensor, Tensor]:
    """out [P, H, E] and lse [P, H] from contiguous q [P, H, E], k and v [C, H, E]; spans: [P, 4]."""
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
    """d_q, d_k and d_v. `query_spans` and `out` are unused: only the GPU kernels need them."""
    d_q, d_k, d_v = torch.empty_like(q), torch.empty_like(k), torch.empty_like(v)
    tensors = (d_out, q, k, v, spans, lse, d_q, d_k, d_v)
    _require(_functions()[1](*map(address, tensors), *_numbers(q, k, dropout, seed)), q)
    return d_q, d_k, d_v


def _numbers(q: Tensor, k: Tensor, dropout: float, seed: Tensor) -> tuple[object, ...]:
    rows, heads, size = q.shape
    half = q.dtype == torch.bfloat16
    return half, rows, k.size(0), heads, size, size**-0.5, dropout, int(seed), torch.get_num_threads()


def _require(status: int, q: Tensor) -> None:
    if status:
        raise ValueError(f"heads of {q.size(-1)} units are not supported; at most {MAX_HEAD_SIZE}")


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

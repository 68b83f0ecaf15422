"""Losses and gradients of a chunk of logits in C++ on a CPU (`rows.cpp`), equivalent to `rows.py` in PyTorch."""

import ctypes
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from kernels.native import TYPES, address, library


def supports(logits: Tensor) -> bool:
    """Whether the C++ operator supports the dtype of the logits."""
    return logits.dtype in TYPES


def score_rows(
    logits: Tensor,
    labels: Tensor,
    row_weights: Tensor,
    pairs: list[tuple[int, int, float]],
    smoothing: float,
    smoothed: Tensor,
    nll: Tensor,
    divergence: Tensor,
    gradient: bool,
    margins: Tensor | None = None,
) -> None:
    """As `kernels.joint_loss.rows.score_rows`; losses and weights are float32 with contiguous rows."""
    streams, tokens, vocab_size = logits.shape
    row_tensors = (labels, row_weights, smoothed, nll, *(() if margins is None else (margins,)))
    if not logits.is_contiguous() or any(x.stride() != labels.stride() or x.stride(-1) != 1 for x in row_tensors):
        raise ValueError("logits must be contiguous; labels, weights, margins and losses must have the same layout")
    _function()(
        address(logits),
        logits.dtype == torch.bfloat16,
        streams,
        tokens,
        vocab_size,
        *map(address, (labels, row_weights, smoothed, nll)),
        None if margins is None else address(margins),
        labels.stride(0),
        address(divergence),
        divergence.stride(0) if len(pairs) else 0,
        len(pairs),
        (ctypes.c_int64 * len(pairs))(*(first for first, _, _ in pairs)),
        (ctypes.c_int64 * len(pairs))(*(second for _, second, _ in pairs)),
        (ctypes.c_float * len(pairs))(*(weight for _, _, weight in pairs)),
        smoothing,
        gradient,
        torch.get_num_threads(),
    )


@cache
def _function() -> Callable[..., Any]:
    function = library(Path(__file__).with_name("rows.cpp")).score_rows
    pointer, integer, real, flag = ctypes.c_void_p, ctypes.c_int64, ctypes.c_float, ctypes.c_int
    function.argtypes = [pointer, flag, integer, integer, integer, *[pointer] * 5, integer, pointer, integer, integer]
    function.argtypes += [pointer, pointer, pointer, real, flag, flag]
    function.restype = None
    return function

"""The most probable words of each row of scores. Axes: N rows, V vocabulary, K words."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from kernels.native import address, library


def top_words(logits: Tensor, count: int, banned: Sequence[int] = ()) -> tuple[Tensor, Tensor]:
    """The `count` most probable words of each row of logits [N, V]: log-probabilities and words, [N, K], best first.

    banned: words that are never chosen but count in the softmax. If fewer than `count` words are left, the rest have a
    log-probability of minus infinity. No gradients. C++ for float32 on a CPU, otherwise torch's operators.
    """
    if logits.device.type == "cpu" and logits.dtype == torch.float32:
        return _native(logits.contiguous(), count, banned)
    log_probs = torch.log_softmax(logits.float(), -1)
    log_probs[:, list(banned)] = -torch.inf
    return log_probs.topk(count, -1)


def _native(logits: Tensor, count: int, banned: Sequence[int]) -> tuple[Tensor, Tensor]:
    rows, words = logits.shape
    log_probs, chosen = logits.new_empty(rows, count), torch.empty(rows, count, dtype=torch.int64)
    bans = (ctypes.c_int64 * len(banned))(*banned)
    results = map(address, (log_probs, chosen))
    _function()(address(logits), rows, words, count, bans, len(banned), *results, torch.get_num_threads())
    return log_probs, chosen


@cache
def _function() -> Callable[..., Any]:
    function = library(Path(__file__).with_name("words.cpp")).top_words
    pointer, number = ctypes.c_void_p, ctypes.c_int64
    function.argtypes = [pointer, number, number, number, pointer, number, pointer, pointer, ctypes.c_int]
    function.restype = None
    return function

"""The k most probable words of each row of logits. Axes: N rows, V vocabulary."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from kernels.native import address, library

# Logits of a chunk.
_CHUNK = 1 << 24


def top_words(logits: Tensor, k: int, banned: Sequence[int] = ()) -> tuple[Tensor, Tensor]:
    """Top-k log-probabilities and word indices of logits [N, V]: [N, k] each, best first.

    banned: words that are never selected but keep their share of the softmax. If fewer than k words are left, the
    remaining log-probabilities are minus infinity. No gradients. C++ for float32 on a CPU, otherwise PyTorch.
    """
    if logits.device.type == "cpu" and logits.dtype == torch.float32:
        return _native(logits.contiguous(), k, banned)
    log_probs = torch.log_softmax(logits.float(), -1)
    log_probs[:, list(banned)] = -torch.inf
    return log_probs.topk(k, -1)


@torch.no_grad()
def best_words(hidden: Tensor, vocabulary: Tensor) -> Tensor:
    """The most probable word [N] of hidden rows [N, D], for the output embedding [V, D]; the first of equal ones.

    Logits are computed in chunks of rows. No gradients.
    """
    step = max(1, _CHUNK // max(vocabulary.size(0), 1))
    parts = [(rows @ vocabulary.T).argmax(1) for rows in hidden.split(step)]
    return torch.cat(parts) if parts else torch.zeros(0, dtype=torch.long, device=hidden.device)


def _native(logits: Tensor, k: int, banned: Sequence[int]) -> tuple[Tensor, Tensor]:
    rows, vocab_size = logits.shape
    log_probs, indices = logits.new_empty(rows, k), torch.empty(rows, k, dtype=torch.int64)
    banned_ids = (ctypes.c_int64 * len(banned))(*banned)
    results = map(address, (log_probs, indices))
    _function()(address(logits), rows, vocab_size, k, banned_ids, len(banned), *results, torch.get_num_threads())
    return log_probs, indices


@cache
def _function() -> Callable[..., Any]:
    function = library(Path(__file__).with_name("words.cpp")).top_words
    pointer, number = ctypes.c_void_p, ctypes.c_int64
    function.argtypes = [pointer, number, number, number, pointer, number, pointer, pointer, ctypes.c_int]
    function.restype = None
    return function

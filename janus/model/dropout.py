"""Dropout with cheap random numbers on a CPU."""

import torch
import torch.nn.functional as F
from torch import Tensor

_LEVELS = 1 << 16


def dropout(x: Tensor, p: float, training: bool = True) -> Tensor:
    """Zero each element of x (any shape) with probability p and scale the others by 1 / (1 - p), in training only.

    On a CPU, torch draws a 53-bit number per element, which took a sixth of a training step. Here four elements share
    the 64 bits of one draw, so p, and the scale with it, is rounded to a multiple of 2**-16.
    """
    if not training or p == 0:
        return x
    if x.device.type != "cpu":
        return F.dropout(x, p)
    threshold = round(p * _LEVELS)
    draws = torch.empty(-(-x.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
    kept = draws.view(torch.int16)[: x.numel()].view(x.shape) > threshold - _LEVELS // 2 - 1
    return x * kept.to(x.dtype).mul_(_LEVELS / max(_LEVELS - threshold, 1))

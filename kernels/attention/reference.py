"""Span attention with a dense mask in plain PyTorch, the reference for the tests of the kernels.

Axes: P query rows, C key rows, H heads, E head size.
"""

import torch
from torch import Tensor


def visible(spans: Tensor, keys: int) -> Tensor:
    """Boolean [P, C]: whether a query row sees a key row. spans: [P, 4], two half-open intervals of key rows."""
    # key: [C]; starts and ends: [P, 1]
    key = torch.arange(keys, device=spans.device)
    first_start, first_end, second_start, second_end = spans.T[:, :, None]
    return ((key >= first_start) & (key < first_end)) | ((key >= second_start) & (key < second_end))


def span_attention_reference(q: Tensor, k: Tensor, v: Tensor, spans: Tensor, factors: Tensor | None = None) -> Tensor:
    """Attention of q [P, H, E] over k, v [C, H, E]; the output of a row that sees nothing is zero.

    factors: [P, H, C], dropout factors of the probabilities; None for no dropout.
    """
    # scores, probs: [P, H, C]; mask: [P, 1, C]
    scores = torch.einsum("phe,che->phc", q, k) * q.size(-1) ** -0.5
    mask = visible(spans, k.size(0))[:, None]
    probs = scores.masked_fill(~mask, -torch.inf).softmax(-1).masked_fill(~mask, 0)
    return torch.einsum("phc,che->phe", probs if factors is None else probs * factors, v)

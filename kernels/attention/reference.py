"""Span attention with a dense mask, for any floating type: the reference that the kernels are tested against."""

import torch
from torch import Tensor


def visible(spans: Tensor, keys: int) -> Tensor:
    """Boolean [P, C]: whether a query row sees a key row. spans: [P, 4], two half-open intervals of key rows."""
    key = torch.arange(keys, device=spans.device)
    first_start, first_end, second_start, second_end = spans.T[:, :, None]
    return ((key >= first_start) & (key < first_end)) | ((key >= second_start) & (key < second_end))


def span_attention_reference(q: Tensor, k: Tensor, v: Tensor, spans: Tensor, kept: Tensor | None = None) -> Tensor:
    """Attention of q [P, H, E] over k, v [C, H, E]; rows that see nothing give zeros. Differentiable by autograd.

    kept: [P, H, C] dropout factors of the probabilities; None for no dropout.
    """
    # scores, probs: [P, H, C]; mask: [P, 1, C]
    scores = torch.einsum("phe,che->phc", q, k) * q.size(-1) ** -0.5
    mask = visible(spans, k.size(0))[:, None]
    probs = scores.masked_fill(~mask, -torch.inf).softmax(-1).masked_fill(~mask, 0)
    return torch.einsum("phc,che->phe", probs if kept is None else probs * kept, v)

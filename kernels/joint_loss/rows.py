"""Losses and gradients of a chunk of logits in plain PyTorch, a few rows at a time so that they stay in the cache.

Axes: K streams that predict the same tokens, C tokens of the chunk, V vocabulary, E pairs of streams.
"""

import torch
from torch import Tensor

# Elements of one block, read about twenty times: with its temporaries it just fits the cache of a CPU core.
_BLOCK = 1 << 18


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
) -> None:
    """Fill `smoothed`, `nll` [K, C] and `divergence` [E, C] from logits [K, C, V].

    gradient: replace the logits by their gradient of sum(row_weights * smoothed) + sum(weight * divergence).
    """
    streams, tokens, words = logits.shape
    size = max(1, _BLOCK // (streams * words))
    for start in range(0, tokens, size):
        part = slice(start, start + size)
        # scores (log-probabilities), probs: [K, C', V]; gold: [K, C', 1]; log ratios and differences: [C', V]
        scores = logits[:, part].to(smoothed.dtype)
        scores = scores - torch.logsumexp(scores, -1, keepdim=True)
        gold = labels[:, part, None]
        nll[:, part] = -scores.gather(-1, gold)[..., 0]
        smoothed[:, part] = (1 - smoothing) * nll[:, part] - smoothing * scores.mean(-1)
        if not (gradient or pairs):
            continue
        probs = scores.exp()
        differences = [(scores[i] - scores[j], probs[i] - probs[j]) for i, j, _ in pairs]
        for row, (log_ratio, difference) in zip(divergence, differences):
            row[part] = 0.5 * torch.linalg.vecdot(difference, log_ratio)
        if gradient:
            _gradient(probs, differences, gold, row_weights[:, part, None], pairs, smoothing)
            logits[:, part] = probs


def _gradient(
    probs: Tensor,
    differences: list[tuple[Tensor, Tensor]],
    gold: Tensor,
    row_weights: Tensor,
    pairs: list[tuple[int, int, float]],
    smoothing: float,
) -> None:
    """Turn probabilities [K, C, V] into gradients in place.

    The gradient of the cross entropy is p - smoothed one-hot. The gradient of J(p, q) with respect to the logits of p
    is (p (d - KL(p || q)) + p - q) / 2 with d = log p - log q.
    """
    of_divergence = [torch.zeros_like(p) for p in probs] if pairs else []
    for (i, j, weight), (log_ratio, difference) in zip(pairs, differences):
        for stream, sign in ((i, 1), (j, -1)):
            own = probs[stream]
            divergence = torch.linalg.vecdot(own, log_ratio)[:, None]
            term = torch.addcmul(difference, own, log_ratio - divergence)
            of_divergence[stream].add_(term, alpha=0.5 * sign * weight)
    probs.sub_(smoothing / probs.size(-1)).mul_(row_weights)
    probs.scatter_add_(-1, gold, (smoothing - 1) * row_weights)
    for own, term in zip(probs, of_divergence):
        own.add_(term)

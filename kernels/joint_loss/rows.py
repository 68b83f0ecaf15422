"""Losses and gradients of a chunk of logits in plain PyTorch, a few tokens at a time so that they stay in the cache.

Axes: K streams that predict the same tokens, C tokens of the chunk, V vocabulary, E pairs of streams.
"""

import torch
from torch import Tensor

# Logits per block. A block is read about twenty times; with its temporaries, it just fits into the cache of a CPU core.
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
    margins: Tensor | None = None,
) -> None:
    """Fill `smoothed`, `nll` [K, C] and `divergence` [E, C] from logits [K, C, V].

    gradient: replace the logits by their gradient of sum(row_weights * smoothed) + sum(weight * divergence).
    margins: [K, C] subtracted from the logit of the label, for the cross entropies alone.
    """
    streams, tokens, vocab_size = logits.shape
    size = max(1, _BLOCK // (streams * vocab_size))
    for start in range(0, tokens, size):
        block = slice(start, start + size)
        # C' tokens of the block. plain, lowered, probs: [K, C', V]; label: [K, C', 1]; log_ratio, difference: [C', V]
        plain = logits[:, block].to(smoothed.dtype)
        label = labels[:, block, None]
        lowered = plain if margins is None else plain.scatter_add(-1, label, -margins[:, block, None].to(plain))
        lowered = lowered - torch.logsumexp(lowered, -1, keepdim=True)
        nll[:, block] = -lowered.gather(-1, label)[..., 0]
        smoothed[:, block] = (1 - smoothing) * nll[:, block] - smoothing * lowered.mean(-1)
        if not (gradient or pairs):
            continue
        log_probs = lowered if margins is None else plain - torch.logsumexp(plain, -1, keepdim=True)
        probs = log_probs.exp()
        differences = [(log_probs[i] - log_probs[j], probs[i] - probs[j]) for i, j, _ in pairs]
        for row, (log_ratio, difference) in zip(divergence, differences):
            row[block] = 0.5 * torch.linalg.vecdot(difference, log_ratio)
        if gradient:
            changed = probs if margins is None else lowered.exp()
            _gradient(changed, probs, differences, label, row_weights[:, block, None], pairs, smoothing)
            logits[:, block] = changed


def _gradient(
    changed: Tensor,
    probs: Tensor,
    differences: list[tuple[Tensor, Tensor]],
    label: Tensor,
    row_weights: Tensor,
    pairs: list[tuple[int, int, float]],
    smoothing: float,
) -> None:
    """Replace the probabilities `changed` [K, C, V] of the cross entropies with the gradients of the logits, in place.

    probs: [K, C, V], those of the divergences; without margins the same tensor. label, row_weights: [K, C, 1].

    The gradient of the cross entropy is p minus the smoothed one-hot label. The gradient of J(p, q) with respect to the
    logits of p is (p (d - KL(p || q)) + p - q) / 2, with d = log p - log q.
    """
    # d_divergence: K gradients [C, V]; log_ratio, difference: [C, V]; kl: [C, 1]
    d_divergence = [torch.zeros_like(p) for p in probs] if pairs else []
    for (i, j, weight), (log_ratio, difference) in zip(pairs, differences):
        for stream, sign in ((i, 1), (j, -1)):
            p = probs[stream]
            kl = torch.linalg.vecdot(p, log_ratio)[:, None]
            term = torch.addcmul(difference, p, log_ratio - kl)
            d_divergence[stream].add_(term, alpha=0.5 * sign * weight)
    changed.sub_(smoothing / changed.size(-1)).mul_(row_weights)
    changed.scatter_add_(-1, label, (smoothing - 1) * row_weights)
    for p, term in zip(changed, d_divergence):
        p.add_(term)

"""The joint loss on all logits at once in plain PyTorch, the reference for the tests of the operator.

Axes: R rows, of which the first K * M are K streams that predict the same M tokens; D model, V vocabulary.
"""

import torch
from torch import Tensor


def joint_loss_reference(
    hidden: Tensor,
    vocabulary: Tensor,
    labels: Tensor,
    row_weights: Tensor,
    tokens: int,
    pairs: list[tuple[int, int, float]],
    smoothing: float,
    margins: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Arguments and results of `kernels.joint_loss.joint_loss`, differentiable by autograd."""
    # logits, log_probs, lowered: [R, V]; nll, smoothed: [R]; log_p, log_q: [M, V]
    logits = hidden @ vocabulary.T
    log_probs = torch.log_softmax(logits, -1)
    lowered = log_probs
    if margins is not None:
        lowered = torch.log_softmax(logits.scatter_add(1, labels[:, None], -margins[:, None]), -1)
    nll = -lowered.gather(1, labels[:, None])[:, 0]
    smoothed = (1 - smoothing) * nll - smoothing * lowered.mean(1)
    total = (row_weights * smoothed).sum()
    divergences = []
    for i, j, weight in pairs:
        log_p, log_q = (log_probs[stream * tokens : (stream + 1) * tokens] for stream in (i, j))
        divergences.append(0.5 * ((log_p.exp() - log_q.exp()) * (log_p - log_q)).sum(1))
        total = total + weight * divergences[-1].sum()
    return total, smoothed, nll, torch.stack(divergences) if pairs else hidden.new_zeros(0, tokens)

"""The label scores on all logits at once in plain PyTorch, the reference for the tests of the operator."""

import torch
from torch import Tensor

from kernels.label_scores import LabelScores


def label_scores_reference(hidden: Tensor, vocabulary: Tensor, sentence: Tensor, labels: Tensor) -> LabelScores:
    """Arguments and results of `kernels.label_scores.label_scores`, differentiable by autograd.

    hidden: [R, D]. vocabulary: [V, D]. sentence: [R]. labels: [B, K].
    """
    # log_probs: [R, V]; own: [R, K]; outside: [R, V]
    log_probs = torch.log_softmax(hidden @ vocabulary.T, -1)
    own = labels[sentence]
    words = torch.arange(vocabulary.size(0), device=labels.device)
    outside = (own[:, :, None] != words).all(1)
    rest = log_probs.masked_fill(~outside, -torch.inf).logsumexp(1, keepdim=True)
    scores = log_probs.gather(1, own.clamp(min=0)).masked_fill(own < 0, -torch.inf)
    best, word = log_probs.detach().max(1)
    return LabelScores(torch.cat([scores, rest], 1), log_probs.mean(1), word, best)

"""The joint loss with a large vocabulary: in chunks, on whole tensors, and its matrix products alone.

Axes: R rows of three streams, one of N tokens and two of the M masked ones; D model, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from kernels.joint_loss import joint_loss
from kernels.joint_loss.reference import joint_loss_reference

# BART's vocabulary and width, and the share of tokens that its joint pre-training masks.
WORDS, WIDTH = 50_265, 768
_SHARE_MASKED = 0.27
_PAIRS = [(2, 1, 2.0), (0, 1, 2.0)]
_PRODUCT_ROWS = 1024


@dataclass(frozen=True)
class Problem:
    """hidden: [R, D]. vocabulary: [V, D]. labels, weights: [R]. masked: M."""

    hidden: Tensor
    vocabulary: Tensor
    labels: Tensor
    weights: Tensor
    masked: int

    @classmethod
    def draw(cls, tokens: int, device: str, *, words: int = WORDS, width: int = WIDTH) -> Problem:
        """Random rows for N tokens, with logits that spread about as widely as those of a trained model."""
        masked = int(tokens * _SHARE_MASKED)
        rows, generator = tokens + 2 * masked, torch.Generator(device).manual_seed(tokens)
        hidden = torch.randn(rows, width, device=device, generator=generator)
        vocabulary = torch.randn(words, width, device=device, generator=generator).mul_(2 * width**-0.5)
        labels = torch.randint(0, words, (rows,), device=device, generator=generator)
        weights = torch.full((rows,), 1 / rows, device=device)
        return cls(hidden.requires_grad_(), vocabulary.requires_grad_(), labels, weights, masked)

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of the three matrix products: logits, d_hidden and d_vocabulary."""
        return 3 * self.hidden.numel() * self.vocabulary.size(0)


def chunked(problem: Problem) -> tuple[Tensor, ...]:
    """d_hidden and d_vocabulary from the forward and backward pass of the operator."""
    return _gradients(joint_loss, problem)


def whole(problem: Problem) -> tuple[Tensor, ...]:
    """The same on whole logits [R, V], by autograd."""
    return _gradients(joint_loss_reference, problem)


@torch.no_grad()
def products(problem: Problem) -> tuple[Tensor, ...]:
    """The three matrix products alone, in blocks of rows."""
    d_vocabulary = torch.zeros_like(problem.vocabulary)
    d_hidden = []
    # rows: [block, D]; logits: [block, V]
    for rows in problem.hidden.split(_PRODUCT_ROWS):
        logits = rows @ problem.vocabulary.T
        d_hidden.append(logits @ problem.vocabulary)
        d_vocabulary.addmm_(logits.T, rows)
    return torch.cat(d_hidden), d_vocabulary


WAYS: dict[str, Callable[[Problem], tuple[Tensor, ...]]] = {"chunked": chunked, "whole": whole, "products": products}


def _gradients(function: Callable[..., tuple[Tensor, ...]], problem: Problem) -> tuple[Tensor, ...]:
    pairs = [(i, j, weight / max(problem.masked, 1)) for i, j, weight in _PAIRS]
    total = function(problem.hidden, problem.vocabulary, problem.labels, problem.weights, problem.masked, pairs, 0.1)[0]
    return torch.autograd.grad(total, (problem.hidden, problem.vocabulary))

"""Connectionist temporal classification (Graves et al., 2006) of packed rows, on each sentence's own alphabet.

A sentence of n cells says its target if its cells, with runs of a word merged and blanks dropped, spell it. The states
of a target of L words are blank, word 1, blank, …, word L, blank, numbered 0 to 2 L; a cell stays in the state of the
cell before it, goes on by one, or skips a blank between two words that differ.

Scores are those of `kernels.label_scores`, so that no tensor of cells and vocabulary is kept. The rest column must be
among them: the gradient of torch's operator is right only for rows that are distributions.
Axes: R rows, ordered by sentence, then by cell; B sentences, T words of the longest target, C columns, W cells of the
longest sentence, S = 2 T + 1 states.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

# In place of the logarithm of zero, which torch's backward would subtract from itself.
_NEVER = -1e30


def ctc_loss(scores: Tensor, sentence: Tensor, columns: Tensor, lengths: Tensor, blank: int = 0) -> Tensor:
    """-log P(target) of each sentence, [B]; zero, with no gradient, for a target that does not fit into its cells.

    scores: [R, C] log-probabilities; each row sums to one, its rest column included. sentence: [R], ascending.
    columns: [B, T] the column of each target word, equal for equal words. lengths: [B] words of each target. blank: the
    column of the blank.
    """
    grid, cells = _grid(scores, sentence, lengths.numel())
    grid = grid.masked_fill(grid == -torch.inf, _NEVER)
    return F.ctc_loss(grid, columns, cells, lengths, blank, reduction="none", zero_infinity=True)


@torch.no_grad()
def best_alignment(scores: Tensor, sentence: Tensor, columns: Tensor, lengths: Tensor, blank: int = 0) -> Tensor:
    """The state of each cell, [R], in the most probable alignment with the target (Viterbi).

    Arguments as of `ctc_loss`; rows need not sum to one. Of equal alternatives a cell stays, else goes on by one, and
    ends in the last word rather than in the blank after it, as the CUDA operator of GLAT does. -1 where a target does
    not fit.
    """
    sentences, batch = lengths.numel(), torch.arange(lengths.numel(), device=scores.device)
    grid, cells = _grid(scores, sentence, sentences)
    states, skips = _states(columns, blank)
    # alpha: [B, S] the best score of a path that ends in a state; steps: [W, B, S] how far it came from
    alpha = grid.new_full(states.shape, -torch.inf)
    alpha[:, :2] = 0
    steps = torch.zeros(grid.size(0), *states.shape, dtype=torch.long, device=scores.device)
    for cell, (row, step) in enumerate(zip(grid, steps)):
        best = alpha.clone()
        # The first cell takes a start state as it is.
        for distance in (1, 2) if cell else ():
            before = F.pad(alpha, (distance, 0), value=-torch.inf)[:, : states.size(1)]
            better = before > best
            if distance == 2:
                better &= skips
            best, step[better] = torch.where(better, before, best), distance
        lives = (cell < cells)[:, None]
        alpha = torch.where(lives, best + row.gather(1, states), alpha)
        step.masked_fill_(~lives, 0)
    last = 2 * lengths
    word, after = alpha[batch, (last - 1).clamp(min=0)], alpha[batch, last]
    state = torch.where((word >= after) & (lengths > 0), last - 1, last)
    fits = torch.maximum(word, after) > -torch.inf
    path = torch.empty(grid.shape[:2], dtype=torch.long, device=scores.device)
    for cell in reversed(range(grid.size(0))):
        path[cell] = state
        state = state - steps[cell, batch, state]
    path = path.masked_fill(~fits, -1)
    return path.flatten()[_slots(sentence, cells)]


def _grid(scores: Tensor, sentence: Tensor, sentences: int) -> tuple[Tensor, Tensor]:
    """Scores [R, C] on the grid [W, B, C], zero beyond a sentence, and the cells [B] of each sentence."""
    cells = torch.bincount(sentence, minlength=sentences)
    width = int(cells.max()) if sentences else 0
    grid = scores.new_zeros(width * sentences, scores.size(1)).index_copy(0, _slots(sentence, cells), scores)
    return grid.view(width, sentences, -1), cells


def _slots(sentence: Tensor, cells: Tensor) -> Tensor:
    """[R] where each row stands on the flattened grid [W, B]."""
    first = cells.cumsum(0) - cells
    place = torch.arange(sentence.numel(), device=sentence.device) - first[sentence]
    return place * cells.numel() + sentence


def _states(columns: Tensor, blank: int) -> tuple[Tensor, Tensor]:
    """The column of each state, [B, S], and whether a path may come to it from two states before."""
    states = columns.new_full((columns.size(0), 2 * columns.size(1) + 1), blank)
    states[:, 1::2] = columns
    skips = torch.zeros_like(states, dtype=torch.bool)
    skips[:, 3::2] = columns[:, 1:] != columns[:, :-1]
    return states, skips

"""CTC by enumeration of all strings, the reference for the tests of the operator.

Axes: W cells, C columns.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby, product

import torch
from torch import Tensor


def collapsed(string: Sequence[int], blank: int = 0) -> tuple[int, ...]:
    """What a string says: runs of a word merged, then blanks dropped."""
    return tuple(word for word, _ in groupby(string) if word != blank)


def ctc_loss_reference(log_probs: Tensor, target: Sequence[int], blank: int = 0) -> Tensor:
    """-log of the summed probabilities of all strings over the columns of log_probs [W, C] that say the target."""
    said = [score for string, score in _strings(log_probs) if collapsed(string, blank) == tuple(target)]
    return -torch.stack(said).logsumexp(0) if said else log_probs.new_tensor(torch.inf)


def best_string_reference(log_probs: Tensor, target: Sequence[int], blank: int = 0) -> tuple[int, ...]:
    """The most probable of these strings."""
    said = [
        (float(score), string) for string, score in _strings(log_probs) if collapsed(string, blank) == tuple(target)
    ]
    return max(said)[1]


def _strings(log_probs: Tensor) -> Iterator[tuple[tuple[int, ...], Tensor]]:
    cells = torch.arange(log_probs.size(0))
    for string in product(range(log_probs.size(1)), repeat=log_probs.size(0)):
        yield string, log_probs[cells, list(string)].sum()

"""What a decoder returns for one sentence."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Hypothesis:
    """One output.

    tokens: [T] symbols; AR outputs end with eos and carry no bos, NAR outputs carry both, as in fairseq.
    token_scores: [T] log-probability of each. score: what candidates are ranked by.
    """

    tokens: Tensor
    token_scores: Tensor
    score: float

"""A decoder: a search over outputs, and the settings that it reads; and what it returns for a sentence."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from torch import Tensor

from janus.errors import InputError
from janus.model.ragged import Source
from janus.model.transformer import JanusTransformer


@dataclass(frozen=True)
class Hypothesis:
    """One output.

    tokens: [T] symbols; AR outputs end with eos and carry no bos, NAR outputs carry both, as in fairseq.
    token_scores: [T] log-probability of each. score: what candidates are ranked by.
    passes: the decoder passes that it took, where the search ends earlier for some sentences than for others; else 0.
    """

    tokens: Tensor
    token_scores: Tensor
    score: float
    passes: int = 0


Search = Callable[[JanusTransformer, Source, Any], list[list[Hypothesis]]]


@dataclass(frozen=True)
class Decoder:
    """name: as configs name it. Settings: a dataclass, whose fields are the keys of a `decoding` block that it reads.

    search: the hypotheses of each sentence of a batch, best first; it must not depend on the other sentences.
    """

    name: str
    Settings: type
    search: Search

    @property
    def keys(self) -> list[str]:
        """The names of its settings."""
        return [one.name for one in fields(self.Settings)]

    def decode(
        self, model: JanusTransformer, source: Source, settings: Any, *, where: object = "the model"
    ) -> list[list[Hypothesis]]:
        """The hypotheses of each sentence of a batch, best first.

        `where` names the model in errors. Raises InputError if its probabilities are not numbers.
        """
        outputs = self.search(model, source, settings)
        # If probabilities are NaN, beam search finds no hypothesis, and mask-predict one with a score of NaN.
        if not all(hypotheses and math.isfinite(hypotheses[0].score) for hypotheses in outputs):
            raise InputError(
                "its probabilities are not numbers (NaN or infinite)",
                where=where,
                fix="train again, in float32 or with a lower learning rate",
            )
        return outputs

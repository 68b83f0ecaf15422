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
class Step:
    """What one decoder pass made of an output.

    tokens: [T] symbols after the pass. token_scores: [T] the log-probability with which each was written. written: [T]
    the cells that the pass filled, which it read as masks, or predicted anew.
    """

    tokens: Tensor
    token_scores: Tensor
    written: Tensor


@dataclass(frozen=True)
class Hypothesis:
    """One output.

    tokens: [T] symbols; AR outputs end with eos and carry no bos, NAR outputs carry both, as in fairseq.
    token_scores: [T] log-probability of each. score: what candidates are ranked by.
    passes: the decoder calls that the sentence took, where a decoder stops by itself; otherwise 0.
    steps: what each pass made of this output, if that was asked for.
    """

    tokens: Tensor
    token_scores: Tensor
    score: float
    passes: int = 0
    steps: tuple[Step, ...] = ()


Search = Callable[[JanusTransformer, Source, Any], list[list[Hypothesis]]]


@dataclass(frozen=True)
class Decoder:
    """name: as configs name it. Settings: a dataclass, whose fields are the keys of a `decoding` block that it reads.

    search: the hypotheses of each sentence of a batch, best first; it must not depend on the other sentences.
    trace: the same search, whose hypotheses have `steps`; None where outputs are not refined in passes.
    manner: the one that it decodes in, `ar` or `nar`; empty for any. reads: what a model must have learnt to fill, in a
    few words, so that a decoder replaces only those of the same; empty for a decoder that is known to its method alone.
    """

    name: str
    Settings: type
    search: Search
    trace: Search | None = None
    manner: str = ""
    reads: str = ""

    @property
    def keys(self) -> list[str]:
        """The names of its settings."""
        return [one.name for one in fields(self.Settings)]

    def decode(
        self,
        model: JanusTransformer,
        source: Source,
        settings: Any,
        *,
        steps: bool = False,
        where: object = "the model",
    ) -> list[list[Hypothesis]]:
        """The hypotheses of each sentence of a batch, best first, with their `steps` if wanted.

        `where` names the model in errors. Raises InputError if its probabilities are not numbers, and if the decoder
        has no steps.
        """
        if steps and self.trace is None:
            raise InputError(
                f"the decoder {self.name} does not refine its outputs in passes",
                where="steps",
                fix="decode without them, or use a decoder such as mask-predict",
            )
        search = self.trace if steps and self.trace else self.search
        outputs = search(model, source, settings)
        # If probabilities are NaN, beam search finds no hypothesis, and mask-predict one with a score of NaN.
        if not all(hypotheses and math.isfinite(hypotheses[0].score) for hypotheses in outputs):
            raise InputError(
                "its probabilities are not numbers (NaN or infinite)",
                where=where,
                fix="train again, in float32 or with a lower learning rate",
            )
        return outputs

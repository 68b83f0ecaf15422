"""Iterative refinement by a model that decodes itself, such as those that fairseq alone can decode (Gu et al., 2019).

This suite's model has no such search: the settings are handed to the model that the method's bridge has loaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from janus.errors import InputError
from janus.methods.base.decoder import Decoder, Hypothesis
from janus.model.ragged import Source
from janus.model.transformer import JanusTransformer


@dataclass(frozen=True)
class RefinementSettings:
    """passes: the most decoder passes; a sentence ends earlier when a pass does not change it, if `adaptive`.

    length_beam: candidate lengths, of models that predict one. eos_penalty: subtracted from the score of inserting
    nothing, of models that insert. Raises InputError for a number that is too small.
    """

    passes: int = 10
    adaptive: bool = True
    length_beam: int = 1
    eos_penalty: float = 0.0

    def __post_init__(self) -> None:
        """Reject invalid settings."""
        for name, least in (("passes", 1), ("length_beam", 1), ("eos_penalty", 0)):
            if not getattr(self, name) >= least:
                raise InputError(f"{getattr(self, name)} is too small", where=name, fix=f"use {least} or more")


@runtime_checkable
class Refining(Protocol):
    """A model that decodes itself."""

    def refine(self, source: Source, settings: RefinementSettings) -> list[list[Hypothesis]]:
        """The hypotheses of each sentence of a batch, best first, with the passes that each took."""


def refinement(model: JanusTransformer, source: Source, settings: RefinementSettings) -> list[list[Hypothesis]]:
    """What the model makes of the sources. Raises InputError for a model of this suite, which has no such search."""
    if not isinstance(model, Refining):
        raise InputError(
            "this model does not refine outputs by itself",
            where="decoder",
            fix="name the method that trained it, or another decoder",
        )
    return model.refine(source, settings)


DECODER = Decoder("refinement", RefinementSettings, refinement, manner="nar", reads="fairseq's canvases")

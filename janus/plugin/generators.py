"""The decoders of `janus.decoding` behind the interface of fairseq's generators."""

from __future__ import annotations

from typing import Any

import torch

from janus.decoding.decoding import Decoding
from janus.methods.base.decoder import Hypothesis
from janus.model.ragged import Source
from janus.plugin.models import core_of
from janus.plugin.refinement import FairseqModel


class Generator:
    """The interface of fairseq's tasks and tools: `generate(models, sample)` gives lists of hypothesis dictionaries."""

    def __init__(self, decoding: Decoding, symbols: set[int]):
        """symbols: those that fairseq strips from printed output."""
        self.decoding = decoding
        self.symbols_to_strip_from_output = symbols

    def generate(self, models: list, sample: dict[str, Any], **unused: Any) -> list[list[dict[str, Any]]]:
        """Decode a batch. Ensembles are rejected: one system is one model here."""
        if len(models) != 1:
            raise ValueError(f"{len(models)} models given; JANUS decodes one model, average checkpoints instead")
        model = decodable(models[0], self.decoding)
        source = Source.of(sample["net_input"]["src_tokens"], model.config.pad)
        return [[_as_fairseq(h) for h in hypotheses] for hypotheses in self.decoding.decode(model, source)]


def decodable(model: torch.nn.Module, decoding: Decoding) -> Any:
    """The model as the decoder needs it: fairseq's own if the method has a bridge, else the core behind it."""
    if decoding.bridge:
        return FairseqModel(getattr(model, "module", model))
    core = core_of(model)
    # fairseq-generate replaces a method that `eval` calls, which then returns nothing.
    core.eval()
    return core


def _as_fairseq(hypothesis: Hypothesis) -> dict[str, Any]:
    return {
        "tokens": hypothesis.tokens,
        "positional_scores": hypothesis.token_scores,
        "score": torch.tensor(hypothesis.score),
        "attention": torch.empty(0),
        "alignment": torch.empty(0),
    }

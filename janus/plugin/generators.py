"""The decoders of `janus.decoding` behind the interface of fairseq's generators."""

from __future__ import annotations

from typing import Any

import torch

from janus.decoding.hypothesis import Hypothesis
from janus.decoding.settings import Settings, decode
from janus.plugin.models import core_of
from janus.ragged import Source


class Generator:
    """The interface of fairseq's tasks and tools: `generate(models, sample)` gives lists of hypothesis dictionaries."""

    def __init__(self, settings: Settings, symbols: set[int]):
        """settings: the decoder and its options. symbols: those that fairseq strips from printed output."""
        self.settings = settings
        self.symbols_to_strip_from_output = symbols

    def generate(self, models: list, sample: dict[str, Any], **unused: Any) -> list[list[dict[str, Any]]]:
        """Decode a batch. Ensembles are rejected: one system is one model here."""
        if len(models) != 1:
            raise ValueError(f"{len(models)} models given; JANUS decodes one model, average checkpoints instead")
        model = core_of(models[0])
        model.eval()
        source = Source.of(sample["net_input"]["src_tokens"], model.config.pad)
        return [[_as_fairseq(h) for h in hypotheses] for hypotheses in decode(model, source, self.settings)]


def _as_fairseq(hypothesis: Hypothesis) -> dict[str, Any]:
    return {
        "tokens": hypothesis.tokens,
        "positional_scores": hypothesis.token_scores,
        "score": torch.tensor(hypothesis.score),
        "attention": torch.empty(0),
        "alignment": torch.empty(0),
    }

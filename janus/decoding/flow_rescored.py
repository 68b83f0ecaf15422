"""Candidates of latent rows, of which an autoregressive model chooses (FlowSeq's noisy parallel decoding).

The candidates are those of `flow_weighted`, and the choice is that of `rescored`. Without an autoregressive model they
keep their own scores, which are those of `flow_weighted`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from janus.decoding.flow_weighted import FlowWeightedSettings, flow_weighted
from janus.decoding.rescored import ranked_by
from janus.methods.base.decoder import Decoder, Hypothesis
from janus.model.ragged import Source
from janus.model.transformer import JanusTransformer


@dataclass(frozen=True)
class FlowRescoredSettings(FlowWeightedSettings):
    """rescore: the checkpoint of the autoregressive model, in a config a system; the others are of flow_weighted.

    3 lengths with 10 draws each are the 30 candidates that FlowSeq's published numbers are made of.
    """

    samples: int = 10
    rescore: str = field(default="", metadata={"checkpoint": True})


def flow_rescored(model: JanusTransformer, source: Source, settings: FlowRescoredSettings) -> list[list[Hypothesis]]:
    """The candidates of each sentence, best first by the autoregressive model."""
    return ranked_by(settings.rescore, model, source, flow_weighted(model, source, settings))


DECODER = Decoder("flow_rescored", FlowRescoredSettings, flow_rescored, manner="nar", reads="latent rows")

"""Candidates of latent rows, of which the most probable one is the output (FlowSeq; Ma et al., 2019, section 3.5).

Several lengths, and several draws of the latent rows of each, give candidates. The probability of a candidate is an
integral over all latent rows, which draws of the posterior estimate by importance sampling.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from janus.decoding.flow import check_draws
from janus.decoding.latent_candidates import (
    Candidates,
    as_latent,
    candidate_lengths,
    centred,
    log_marginal,
    noise_of,
    propose,
)
from janus.errors import InputError
from janus.methods.base.decoder import Decoder, Hypothesis
from janus.model.latent import LatentTransformer
from janus.model.ragged import Source
from janus.model.transformer import JanusTransformer


@dataclass(frozen=True)
class FlowWeightedSettings:
    """length_beam: lengths of a sentence. samples: candidates of each, of which the first has noise of zero.

    temperature: the standard deviation of the noise of the others. weights: draws of the posterior for a candidate.
    seed: of all that is drawn; each sentence draws alike in every batch. passes: 1, by its nature.
    Raises InputError for numbers below 1, other passes, and a negative temperature or seed.
    """

    length_beam: int = 3
    samples: int = 8
    temperature: float = 0.3
    weights: int = 4
    seed: int = 1
    passes: int = 1

    def __post_init__(self) -> None:
        """Reject invalid settings."""
        check_draws(self.samples, self.temperature, self.seed, self.passes)
        for name in ("length_beam", "weights"):
            if getattr(self, name) < 1:
                raise InputError(f"{getattr(self, name)} is too small", where=name, fix="use 1 or more")


@torch.no_grad()
def flow_weighted(model: JanusTransformer, source: Source, settings: FlowWeightedSettings) -> list[list[Hypothesis]]:
    """The candidates of each sentence, best first by their log-probability for each word, that of the length added."""
    own = as_latent(model, "flow_weighted")
    found, noise = draw_candidates(own, source, settings)
    return found.hypotheses(weighted_scores(own, found, noise))


def draw_candidates(
    model: LatentTransformer, source: Source, settings: FlowWeightedSettings
) -> tuple[Candidates, torch.Tensor]:
    """The candidates, and the noise [weights, P, D] of the posterior that scores them."""
    memory, _ = model.encode(source)
    lengths, scores = candidate_lengths(model, memory, settings.length_beam)
    rounds = 1 + settings.weights
    noise = noise_of(source, lengths, settings.samples, rounds, model.config.dimension, settings.seed)
    prior = centred(noise[0] * settings.temperature, lengths, settings.samples)
    return propose(model, memory, lengths, scores, prior), noise[1:]


def weighted_scores(model: LatentTransformer, found: Candidates, noise: torch.Tensor) -> torch.Tensor:
    """[N] what candidates are ranked by, for the noise [weights, P, D] of the posterior."""
    length = found.length_scores.flatten().repeat_interleave(found.samples)
    return (log_marginal(model, found, noise) + length) / found.level.rows


DECODER = Decoder("flow_weighted", FlowWeightedSettings, flow_weighted, manner="nar", reads="latent rows")

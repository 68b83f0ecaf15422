"""One decoder pass over latent rows of the prior (FlowSeq; Ma et al., 2019).

The length is the most probable one, and so are the words given the latent rows. These are what the flow makes of noise
that is zero; or those of several draws that have the highest density.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from janus.decoding.latent_candidates import as_latent, candidate_lengths, noise_of, propose
from janus.errors import InputError
from janus.methods.base.decoder import Decoder, Hypothesis
from janus.model.ragged import Source
from janus.model.transformer import JanusTransformer


@dataclass(frozen=True)
class FlowSettings:
    """samples: draws of the latent rows. temperature: the standard deviation of the noise; 0 needs no more than a draw.

    seed: of the noise; each sentence draws alike in every batch. passes: 1, by its nature.
    Raises InputError for fewer samples than 1, other passes, and negative numbers.
    """

    samples: int = 1
    temperature: float = 0.0
    seed: int = 1
    passes: int = 1

    def __post_init__(self) -> None:
        """Reject invalid settings."""
        check_draws(self.samples, self.temperature, self.seed, self.passes)


def check_draws(samples: int, temperature: float, seed: int, passes: int) -> None:
    """Raise InputError for settings of draws that are out of bounds."""
    if passes != 1:
        raise InputError(f"latent rows are decoded once, not in {passes} passes", where="passes", fix="use 1")
    for name, value, least in (("samples", samples, 1), ("temperature", temperature, 0), ("seed", seed, 0)):
        if value < least:
            raise InputError(f"{value} is too small", where=name, fix=f"use {least} or more")


@torch.no_grad()
def flow(model: JanusTransformer, source: Source, settings: FlowSettings) -> list[list[Hypothesis]]:
    """The output of the draw with the highest density; its score is the mean log-probability of its words."""
    own = as_latent(model, "flow")
    memory, _ = own.encode(source)
    lengths, scores = candidate_lengths(own, memory, 1)
    noise = noise_of(source, lengths, settings.samples, 1, own.config.dimension, settings.seed)[0]
    found = propose(own, memory, lengths, scores, noise * settings.temperature)
    best = found.density.view(-1, settings.samples).argmax(1)
    means = found.level.total(found.word_scores[:, None]) / found.level.rows
    chosen = torch.full_like(found.density.view(-1, settings.samples), -torch.inf)
    chosen.scatter_(1, best[:, None], means.view_as(chosen).gather(1, best[:, None]))
    return [hypotheses[:1] for hypotheses in found.hypotheses(chosen.flatten())]


DECODER = Decoder("flow", FlowSettings, flow, manner="nar", reads="latent rows")

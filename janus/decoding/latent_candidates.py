"""Outputs that a model of latent rows proposes: several lengths of each sentence, several draws of each length.

Axes: B sentences, W lengths of each, K draws of each length, N = B * W * K candidates in this order, P their rows, D
model, T places.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from janus.errors import InputError
from janus.methods.base.decoder import Hypothesis
from janus.model.flow import Level
from janus.model.latent import LatentTransformer
from janus.model.ragged import Source
from janus.model.rows import DecoderRows
from janus.model.transformer import JanusTransformer, Memory
from janus.noise.masks import batch_generator
from kernels.top_words import top_words


@dataclass(frozen=True)
class Candidates:
    """lengths: [B, W] of the candidates, length_scores: [B, W] the log-probabilities of these. samples: K.

    streams: the rows of all candidates. latent: [P, D]. density: [N] the log-density of the latent rows by the prior.
    words, word_scores: [P] the most probable words and their log-probabilities.
    """

    lengths: Tensor
    length_scores: Tensor
    samples: int
    streams: DecoderRows
    memory: Memory
    level: Level
    latent: Tensor
    density: Tensor
    words: Tensor
    word_scores: Tensor

    def hypotheses(self, ranks: Tensor) -> list[list[Hypothesis]]:
        """The candidates of each sentence by their `ranks` [N], best first; of equal ones the first."""
        sizes = self.level.rows.tolist()
        parts = zip(self.words.split(sizes), self.word_scores.split(sizes), ranks.tolist())
        every = [Hypothesis(words, scores, rank) for words, scores, rank in parts]
        own = len(every) // self.lengths.size(0)
        return [sorted(every[first : first + own], key=lambda one: -one.score) for first in range(0, len(every), own)]


def as_latent(model: JanusTransformer, decoder: str) -> LatentTransformer:
    """The model. Raises InputError if it is none of latent rows."""
    if not isinstance(model, LatentTransformer):
        raise InputError("the model has no latent rows", where=decoder, fix="use a decoder of the model's own method")
    return model


def candidate_lengths(model: LatentTransformer, memory: Memory, number: int) -> tuple[Tensor, Tensor]:
    """The `number` most probable lengths [B, W] and their log-probabilities [B, W].

    A sentence with fewer possible lengths has its best one several times. Raises InputError for more lengths than the
    model knows.
    """
    scores, lengths = model.length_log_probs(memory)
    if number > scores.size(1):
        raise InputError(
            f"{number} candidates, the model has {scores.size(1)} differences of lengths",
            where="length_beam",
            fix="use fewer candidates",
        )
    most = model.config.target_positions
    scores = scores.masked_fill((lengths < 1) | (lengths > most), -torch.inf)
    if not bool(scores.isfinite().any(1).all()):
        raise InputError(
            f"a source for which no target has up to {most} tokens", where="the text", fix="split the sentence"
        )
    best, place = scores.topk(number, 1)
    place = torch.where(best.isfinite(), place, place[:, :1])
    return lengths.gather(1, place), scores.gather(1, place)


def noise_of(source: Source, lengths: Tensor, samples: int, rounds: int, size: int, seed: int) -> Tensor:
    """Standard normal numbers [rounds, P, D], P = K * sum(lengths [B, W]).

    They depend on a sentence, its lengths and the seed alone, not on the batch.
    """
    sentences = source.token.split(source.layout.counts().tolist())
    parts = []
    for sentence, own in zip(sentences, lengths.tolist()):
        generator = batch_generator(seed, *sentence.tolist())
        parts += [torch.randn(rounds, samples * length, size, generator=generator) for length in own]
    return torch.cat(parts, 1).to(source.token.device)


def propose(model: LatentTransformer, memory: Memory, lengths: Tensor, scores: Tensor, noise: Tensor) -> Candidates:
    """The candidates of lengths [B, W] with log-probabilities `scores`, made of the noise [P, D] of the prior."""
    config, device = model.config, lengths.device
    samples = noise.size(0) // max(int(lengths.sum()), 1)
    every = lengths.flatten().repeat_interleave(samples)
    owner = torch.arange(lengths.size(0), device=device).repeat_interleave(lengths.size(1) * samples)
    place = torch.arange(int(every.max()), device=device)
    streams = model.rows(torch.where(place < every[:, None], config.mask, config.pad), owner)
    level = model.level(streams, memory)
    drawn = model.sample_prior(noise.to(level.encoded), level)
    best, words = top_words(model.project(model.read(drawn.rows, streams, memory)), 1, [config.pad])
    return Candidates(
        lengths,
        scores,
        samples,
        streams.with_tokens(words[:, 0]),
        memory,
        level,
        drawn.rows,
        drawn.log_probability,
        words[:, 0],
        best[:, 0].float(),
    )


def centred(noise: Tensor, lengths: Tensor, samples: int) -> Tensor:
    """The noise [P, D] with zeros for the first draw of each length: the latent rows that the prior likes best."""
    every = lengths.flatten().repeat_interleave(samples)
    first = (torch.arange(every.numel(), device=noise.device) % samples == 0).repeat_interleave(every)
    return noise.masked_fill(first[:, None], 0)


def log_marginal(model: LatentTransformer, found: Candidates, noise: Tensor) -> Tensor:
    """[N] an estimate of the log-probability of the words given the length, by importance sampling.

    noise: [draws, P, D] of the posterior.
    """
    streams, memory, level = found.streams, found.memory, found.level
    mean, log_variance = model.approximate(streams, memory)
    weights = []
    for one in noise.to(mean):
        drawn = model.draw(mean, log_variance, one, level)
        scores = model.project(model.read(drawn.rows, streams, memory)).float().log_softmax(-1)
        likelihood = level.total(scores.gather(1, found.words[:, None]))
        weights.append(model.log_prior(drawn.rows, level) + likelihood - drawn.log_probability)
    stacked = torch.stack(weights)
    return stacked.logsumexp(0) - math.log(len(weights))

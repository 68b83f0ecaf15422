"""A Transformer whose target words are independent given a latent row for each of them (FlowSeq; Ma et al., 2019).

The posterior reads a target and its source and gives a normal distribution of each latent row. The prior is a flow
(`janus.model.flow`) over the latent rows of a sentence, given the source. The decoder reads latent rows and the source
and predicts all words at once. Targets have no begin and end; a fill of end symbols makes their length a multiple of
what the levels of the flow halve.

Axes: B sentences, N source rows, P target rows, R rows that are read, D model, K differences of lengths.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from janus.model.config import TransformerConfig
from janus.model.dropout import dropout
from janus.model.flow import (
    Flow,
    Level,
    PlainAttention,
    PlainDecoderLayer,
    PositionAttention,
    WeightNormLinear,
    normal_log_density,
)
from janus.model.layers import EncoderLayer, Rows
from janus.model.ragged import Ragged
from janus.model.rows import DecoderRows
from janus.model.streams import pack_cells
from janus.model.transformer import Decoder, Encoder, JanusTransformer, Memory, views

# The standard deviation with which mean and log-variance of latent rows begin: they read rows of unit variance.
_SMALL = 0.05


@dataclass(frozen=True)
class LatentConfig(TransformerConfig):
    """levels, steps, last_steps: of the flow; the last level has a number of steps of its own. flow_ffn: inside it.

    posterior_layers: of the network that reads the target. differences: the largest difference of the lengths of target
    and source. word_dropout: of the summed embeddings; dropped_words: of whole words that the posterior reads;
    length_dropout: of the length's network.
    """

    levels: int = 3
    steps: int = 4
    last_steps: int = 2
    flow_ffn: int = 1024
    posterior_layers: int = 3
    differences: int = 20
    word_dropout: float = 0.2
    dropped_words: float = 0.2
    length_dropout: float = 0.33

    @property
    def unit(self) -> int:
        """Lengths of targets are multiples of it."""
        return length_unit(self.levels)

    @property
    def flow_steps(self) -> list[int]:
        """The steps of each level."""
        return [self.steps] * (self.levels - 1) + [self.last_steps]


def length_unit(levels: int) -> int:
    """The number that the length of a target must be a multiple of, for a flow of `levels` levels."""
    return max(2, 2 ** (levels - 1))


@dataclass(frozen=True)
class LatentRows(DecoderRows):
    """Rows of words with the latent rows [P, D] that they are decoded from."""

    latent: Tensor = field(default_factory=lambda: torch.empty(0))


@dataclass(frozen=True)
class LatentMemory(Memory):
    """A memory with the rows [N, D] of the source, which posterior and prior project themselves."""

    encoded: Tensor = field(default_factory=lambda: torch.empty(0))


class PlainEncoderLayer(EncoderLayer):
    """An encoder layer whose attention has no output projection."""

    def __init__(self, config: TransformerConfig):
        super().__init__(config)
        self.self_attn = PlainAttention(config.dimension, config.encoder_heads)


class LatentEncoder(Encoder):
    """The encoder, with its positions counted from 1."""

    layer_class = PlainEncoderLayer
    config: LatentConfig

    def embed(self, token: Tensor, position: Tensor) -> Tensor:
        """Rows [N, D] of words at positions."""
        rows = self.embed_tokens(token) * self.scale + self.embed_positions(position - 1)
        return dropout(rows, self.config.word_dropout, self.training)


class LatentDecoder(Decoder):
    """Positions that attend to latent rows, and then to each other and to the source; no word is read."""

    layer_class = PlainDecoderLayer
    config: LatentConfig

    def __init__(self, config: LatentConfig):
        super().__init__(config)
        self.attention = PositionAttention(config)
        self.output_bias = nn.Parameter(torch.zeros(config.target_vocabulary))

    def memory(self, encoded: list[Tensor], layout: Ragged) -> LatentMemory:
        """Keys and values of all layers, and the source rows."""
        return LatentMemory(**vars(super().memory(encoded, layout)), encoded=encoded[-1])

    def inputs(self, streams: DecoderRows, memory: Memory) -> Tensor:
        """What the positions find in the latent rows, [P, D]."""
        latent = cast(LatentRows, streams).latent
        own, _ = views(streams, memory, torch.arange(streams.token.numel(), device=latent.device))
        return self.attention(self.embed_positions(streams.position - 1).to(latent), latent, own)

    def embed_target(self, streams: DecoderRows) -> Tensor:
        """Rows [P, D] of words that the posterior reads; in training some words are left out whole."""
        words = self.embed_tokens(streams.token) * self.scale
        words = words * dropout(torch.ones_like(words[:, :1]), self.config.dropped_words, self.training)
        rows = words + self.embed_positions(streams.position - 1)
        return dropout(rows, self.config.word_dropout, self.training)

    def vocabulary(self) -> Tensor:
        """[V, D + 1], the output embedding with its bias; hidden rows get a 1 (`with_one`)."""
        return torch.cat([self.output_projection.weight, self.output_bias[:, None]], 1)


def with_one(hidden: Tensor) -> Tensor:
    """Hidden rows [R, D] as rows [R, D + 1] that a vocabulary with a bias multiplies."""
    return F.pad(hidden, (0, 1), value=1.0)


class Posterior(nn.Module):
    """A normal distribution of the latent row of each target word, given all of target and source."""

    def __init__(self, config: LatentConfig):
        super().__init__()
        self.layers = nn.ModuleList(PlainDecoderLayer(config) for _ in range(config.posterior_layers))
        self.mean = WeightNormLinear(config.dimension, config.dimension, length=_SMALL)
        self.log_variance = WeightNormLinear(config.dimension, config.dimension, length=_SMALL)

    def forward(self, words: Tensor, streams: DecoderRows, memory: LatentMemory) -> Tensor:
        """Hidden rows [P, D] of embedded words [P, D], which `mean` and `log_variance` read."""
        rows = Rows.of(words)
        own, cross = views(streams, memory, torch.arange(words.size(0), device=words.device))
        for layer in cast(list[PlainDecoderLayer], list(self.layers)):
            keys_values = layer.encoder_attn.keys_values(memory.encoded)
            rows = layer(rows, rows.lean, own, keys_values, cross)
        return rows.exact


class LengthDifference(nn.Module):
    """How much longer than its source a target is, from the source's last row."""

    def __init__(self, config: LatentConfig):
        super().__init__()
        size = config.dimension
        self.first, self.second = nn.Linear(size, size), nn.Linear(size, size)
        self.out = nn.Linear(size, 2 * config.differences + 1)
        self.dropout = config.length_dropout

    def forward(self, last: Tensor) -> Tensor:
        """Scores [B, K] from rows [B, D]."""
        return self.out(dropout(F.elu(self.second(F.elu(self.first(last)))), self.dropout, self.training))


@dataclass(frozen=True)
class Latents:
    """Latent rows [P, D] that were drawn, and their log-density [B] under what they were drawn from."""

    rows: Tensor
    log_probability: Tensor


class LatentTransformer(JanusTransformer):
    """Encoder, posterior, prior, decoder and length.

    begun: 1 once the prior has begun with what a batch suggests (`begin`), otherwise 0. It is part of a checkpoint.
    """

    encoder_class, decoder_class = LatentEncoder, LatentDecoder
    beside = MappingProxyType({"posterior": False, "prior": True})
    config: LatentConfig
    encoder: LatentEncoder
    decoder: LatentDecoder
    begun: Tensor

    def __init__(self, config: LatentConfig):
        super().__init__(config)
        self.posterior, self.length = Posterior(config), LengthDifference(config)
        self.prior = Flow(replace(config, decoder_ffn=config.flow_ffn), config.flow_steps)
        self.register_buffer("begun", torch.zeros((), dtype=torch.long))

    def rows(self, tokens: Tensor, owner: Tensor) -> DecoderRows:
        """The rows of target words [B, T], padded, of the sources `owner` [B]; all are read under the name `nar`."""
        config = self.config
        return latent_rows(tokens, owner, pad=config.pad, mask=config.mask)

    def level(self, streams: DecoderRows, memory: Memory) -> Level:
        """The rows as the flow sees them."""
        encoded = cast(LatentMemory, memory).encoded
        return Level(streams.sentence, streams.sentences, streams.place, streams.source, encoded, memory.layout)

    def approximate(self, streams: DecoderRows, memory: Memory) -> tuple[Tensor, Tensor]:
        """Mean and log-variance [P, D] of the latent rows of words, by the posterior."""
        hidden = self.posterior(self.decoder.embed_target(streams), streams, cast(LatentMemory, memory))
        return self.posterior.mean(hidden), self.posterior.log_variance(hidden)

    def draw(self, mean: Tensor, log_variance: Tensor, noise: Tensor, level: Level) -> Latents:
        """Latent rows of the posterior, for standard normal noise [P, D]."""
        rows = mean + (0.5 * log_variance).exp() * noise
        return Latents(rows, level.total(normal_log_density(noise) - 0.5 * log_variance))

    def log_prior(self, latent: Tensor, level: Level) -> Tensor:
        """[B] the log-density of latent rows [P, D] by the prior; in float32 at least, also under autocast."""
        with torch.autocast(latent.device.type, enabled=False):
            exact = torch.promote_types(self.prior_type, torch.float32)
            return self.prior.log_probability(latent.to(exact), _exact(level, exact))

    def sample_prior(self, noise: Tensor, level: Level) -> Latents:
        """Latent rows of the prior for normal noise [P, D], and their log-density [B]."""
        rows, determinant = self.prior.inverse(noise, level)
        return Latents(rows, level.total(normal_log_density(noise)) - determinant)

    @property
    def prior_type(self) -> torch.dtype:
        """The type of the prior's weights."""
        return next(self.prior.parameters()).dtype

    def read(self, latent: Tensor, streams: DecoderRows, memory: Memory) -> Tensor:
        """Hidden rows [P, D] of all words, decoded from latent rows [P, D]."""
        rows = LatentRows(**vars(streams), latent=latent)
        return self.decoder(rows, memory, torch.arange(streams.token.numel(), device=latent.device))

    def project(self, hidden: Tensor) -> Tensor:
        """Vocabulary scores [R, V] of hidden rows [R, D]."""
        return self.decoder.output_projection(hidden) + self.decoder.output_bias

    def length_log_probs(self, memory: Memory) -> tuple[Tensor, Tensor]:
        """Log-probabilities [B, K] of target lengths, and the lengths [B, K].

        Lengths that are no multiple of the unit share no probability; those that are not positive have a share, but
        minus infinity stands in its place, as in the authors' code.
        """
        config, layout = self.config, memory.layout
        last = cast(LatentMemory, memory).encoded[layout.bounds()[1:] - 1]
        scores = self.length(last).float()
        steps = torch.arange(-config.differences, config.differences + 1, device=scores.device)
        lengths = layout.counts()[:, None] + steps
        log_probs = scores.masked_fill(lengths % config.unit != 0, -torch.inf).log_softmax(1)
        return log_probs, lengths

    @torch.no_grad()
    def begin(self, streams: DecoderRows, memory: Memory, noise: Tensor) -> None:
        """Let the prior begin by standardising what the posterior draws with noise [P, D], without dropout.

        In several processes, the rows of all of them count.
        """
        training = self.training
        self.eval()
        level, exact = self.level(streams, memory), torch.promote_types(self.prior_type, torch.float32)
        drawn = self.draw(*self.approximate(streams, memory), noise, level)
        with torch.autocast(noise.device.type, enabled=False):
            self.prior.fit(drawn.rows.to(exact), _exact(level, exact))
        self.begun.fill_(1)
        self.train(training)

    def not_learned_yet(self) -> Iterator[Tensor]:
        """The weights that a loss without a prior does not depend on."""
        yield from self.posterior.log_variance.parameters()
        yield from self.prior.parameters()


def latent_rows(tokens: Tensor, owner: Tensor, *, pad: int, mask: int) -> DecoderRows:
    """The rows of target words [B, T], padded, of the sources `owner` [B]; all are read under the name `nar`."""
    return pack_cells(tokens, owner, pad=pad, mask=mask, read={"nar": (tokens.ne(pad), tokens)})


def _exact(level: Level, dtype: torch.dtype) -> Level:
    return replace(level, encoded=level.encoded.to(dtype))

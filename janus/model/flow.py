"""A density over the latent rows of target sentences, given their sources: a normalising flow (Ma et al., 2019).

The flow is that of Glow (Kingma and Dhariwal, 2018) on sequences. Levels of invertible layers turn latent rows z into
noise, and noise into z; between two levels half of the channels are done, and two rows of the others become one. What a
coupling adds and multiplies is computed by a Transformer layer that sees the other half and the source. Every row is a
word of some sentence, so there is no padding.

Axes: B sentences, P rows of a level, C channels, S source rows, D width of the source.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import cast

import torch
import torch.distributed
import torch.nn.functional as F
from torch import Tensor, nn

from janus.model.attention import Attention, View
from janus.model.config import TransformerConfig
from janus.model.layers import DecoderLayer, Rows, sinusoids
from janus.model.ragged import Ragged

# Channels of a block of an invertible linear layer: the first that divides those of the level.
_BLOCKS = (32, 16, 8)


@dataclass(frozen=True)
class Level:
    """The rows of one level: sentence [P], place [P], in order; what they see of the source.

    source: [P] the source sentence of each row. encoded: [S, D] the rows of the sources, in `memory`.
    """

    sentence: Tensor
    sentences: int
    place: Tensor
    source: Tensor
    encoded: Tensor
    memory: Ragged

    @cached_property
    def every_second(self) -> Level:
        """Every second row of each sentence, whose number of rows is even."""
        return replace(self, sentence=self.sentence[::2], place=self.place[::2] // 2, source=self.source[::2])

    @cached_property
    def own(self) -> View:
        """Rows see all of their sentence."""
        layout = Ragged(self.sentence, self.sentences)
        return View(layout, layout)

    @cached_property
    def cross(self) -> View:
        """Rows see all of their source."""
        return View(Ragged(self.source, self.memory.groups), self.memory)

    @cached_property
    def rows(self) -> Tensor:
        """[B] the rows of each sentence."""
        return self.own.queries.counts()

    def total(self, x: Tensor) -> Tensor:
        """[B] the sum over the rows and channels of each sentence; x: [P, C]."""
        return x.new_zeros(self.sentences).index_add(0, self.sentence, x.sum(1))

    def positions(self, channels: int) -> Tensor:
        """Sinusoidal positions [P, C], the first of a sentence being 1."""
        if channels not in self._positions:
            table = sinusoids(int(self.place.max()) + 2 if self.place.numel() else 1, channels)
            self._positions[channels] = table.to(self.encoded)[self.place + 1]
        return self._positions[channels]

    @cached_property
    def _positions(self) -> dict[int, Tensor]:
        return {}


class PlainAttention(Attention):
    """Attention without an output projection, as FlowSeq has it everywhere."""

    def __init__(self, dimension: int, heads: int, dropout: float = 0.0):
        super().__init__(dimension, heads, dropout)
        self.out_proj = nn.Identity()


class PlainDecoderLayer(DecoderLayer):
    """A decoder layer of such attentions."""

    def __init__(self, config: TransformerConfig):
        super().__init__(config)
        self.self_attn = PlainAttention(config.dimension, config.decoder_heads)
        self.encoder_attn = PlainAttention(config.dimension, config.decoder_heads)


class PositionAttention(nn.Module):
    """Rows that are made of positions alone, which attend to other rows."""

    def __init__(self, config: TransformerConfig):
        super().__init__()
        self.attention = PlainAttention(config.dimension, config.decoder_heads)
        self.norm, self.dropout = nn.LayerNorm(config.dimension), config.dropout

    def forward(self, positions: Tensor, rows: Tensor, view: View) -> Tensor:
        """[P, C] of positions and rows [P, C]."""
        attended = self.attention(positions, *self.attention.keys_values(rows), view)
        return self.norm(positions + F.dropout(attended, self.dropout, self.training))


class WeightNormLinear(nn.Module):
    """A linear layer whose rows have a direction and a length (Salimans and Kingma, 2016)."""

    def __init__(self, inputs: int, outputs: int, *, length: float):
        """length: of all rows at first; 0 gives zero until the layer learns."""
        super().__init__()
        self.weight_v = nn.Parameter(torch.empty(outputs, inputs))
        self.weight_g = nn.Parameter(torch.full((outputs, 1), length))
        self.bias = nn.Parameter(torch.zeros(outputs))
        nn.init.normal_(self.weight_v, std=0.05)

    def forward(self, rows: Tensor) -> Tensor:
        """[P, inputs] -> [P, outputs]"""
        return F.linear(rows, self.weight_g * F.normalize(self.weight_v, dim=1), self.bias)


def moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation [C] of the rows [P, C] of all processes together, in float64."""
    x = x.double()
    sums = torch.stack([torch.full_like(x[0], x.size(0)), x.sum(0), x.square().sum(0)])
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.all_reduce(sums)
    number, total, squares = sums
    mean = total / number
    return mean, ((squares - number * mean.square()) / (number - 1).clamp(min=1)).clamp(min=0).sqrt()


class Invertible(nn.Module, ABC):
    """A layer of the flow. Both directions also give the log-determinant [B] of their Jacobian."""

    @abstractmethod
    def forward(self, x: Tensor, level: Level) -> tuple[Tensor, Tensor]:
        """Towards the noise: [P, C] -> [P, C]."""

    @abstractmethod
    def inverse(self, y: Tensor, level: Level) -> tuple[Tensor, Tensor]:
        """Away from the noise: [P, C] -> [P, C]."""

    def fit(self, x: Tensor) -> None:
        """Begin with what the rows x [P, C] suggest; most layers do not depend on them."""


class ActNorm(Invertible):
    """A scale and a shift of each channel, which begin by standardising the rows of a batch."""

    def __init__(self, channels: int):
        super().__init__()
        self.log_scale, self.bias = nn.Parameter(torch.empty(channels)), nn.Parameter(torch.zeros(channels))
        nn.init.normal_(self.log_scale, std=0.05)

    def forward(self, x: Tensor, level: Level) -> tuple[Tensor, Tensor]:
        return x * self.log_scale.exp() + self.bias, self.log_scale.sum() * level.rows

    def inverse(self, y: Tensor, level: Level) -> tuple[Tensor, Tensor]:
        return (y - self.bias) * (-self.log_scale).exp(), -self.log_scale.sum() * level.rows

    @torch.no_grad()
    def fit(self, x: Tensor) -> None:
        mean, deviation = moments(x * self.log_scale.exp() + self.bias)
        factor = 1 / (deviation + 1e-6)
        self.log_scale.add_(factor.log().to(self.log_scale))
        self.bias.sub_(mean.to(self.bias)).mul_(factor.to(self.bias))


class BlockLinear(Invertible):
    """One square matrix for all blocks of channels. A block is contiguous channels, or interleaved ones."""

    def __init__(self, channels: int, *, interleaved: bool):
        super().__init__()
        size = next((size for size in _BLOCKS if channels % size == 0), channels)
        self.blocks, self.interleaved = channels // size, interleaved
        self.weight = nn.Parameter(torch.empty(size, size))
        if not self.weight.is_meta:
            nn.init.orthogonal_(self.weight)

    def forward(self, x: Tensor, level: Level) -> tuple[Tensor, Tensor]:
        return self._apply_to(x, self.weight), self._log_determinant(level)

    def inverse(self, y: Tensor, level: Level) -> tuple[Tensor, Tensor]:
        return self._apply_to(y, torch.linalg.inv(self.weight)), -self._log_determinant(level)

    def _apply_to(self, x: Tensor, weight: Tensor) -> Tensor:
        if not self.interleaved:
            return F.linear(x.unflatten(1, (self.blocks, -1)), weight).flatten(1)
        return F.linear(x.unflatten(1, (-1, self.blocks)).transpose(1, 2), weight).transpose(1, 2).flatten(1)

    def _log_determinant(self, level: Level) -> Tensor:
        return torch.linalg.slogdet(self.weight).logabsdet * (self.blocks * level.rows)


class CouplingNet(nn.Module):
    """Shift and scale of one half, computed from the other one and the source."""

    def __init__(self, config: TransformerConfig, channels: int, *, attends: bool):
        """channels: of either half. attends: rows begin as positions that attend to the half, not as sums with it."""
        super().__init__()
        # The couplings have no dropout: they have to be functions of their input.
        own = replace(config, dimension=channels, dropout=0.0, attention_dropout=0.0, activation_dropout=0.0)
        self.source = nn.Linear(config.dimension, channels, bias=False) if channels != config.dimension else None
        self.attention = PositionAttention(own) if attends else None
        self.layer = PlainDecoderLayer(own)
        self.out = WeightNormLinear(channels, 2 * channels, length=0.0)

    def forward(self, rows: Tensor, level: Level) -> tuple[Tensor, Tensor]:
        """Shift and logit of the scale, [P, C] each, for the rows [P, C] of one half."""
        encoded = level.encoded if self.source is None else self.source(level.encoded)
        positions = level.positions(rows.size(1))
        if self.attention is None:
            rows = rows + positions
        else:
            rows = self.attention(positions, rows, level.own)
        memory = self.layer.encoder_attn.keys_values(encoded)
        rows = self.layer(Rows.of(rows), rows, level.own, memory, level.cross).exact
        shift, logit = self.out(rows).chunk(2, 1)
        return shift, logit


class Coupling(Invertible):
    """Half of the values, scaled and shifted by what the other half and the source say.

    split: into `halves` of the channels, `interleaved` channels, or `rows` of even and of odd places. up: whether the
    first half decides about the second.
    """

    def __init__(self, config: TransformerConfig, channels: int, split: str, *, up: bool, attends: bool = False):
        super().__init__()
        self.split, self.up = split, up
        self.net = CouplingNet(config, channels if split == "rows" else channels // 2, attends=attends)

    def forward(self, x: Tensor, level: Level) -> tuple[Tensor, Tensor]:
        deciding, changed, level = self._parts(x, level)
        shift, logit = self.net(deciding, level)
        return self._join(deciding, (logit + 2).sigmoid() * changed + shift), level.total(F.logsigmoid(logit + 2))

    def inverse(self, y: Tensor, level: Level) -> tuple[Tensor, Tensor]:
        deciding, changed, level = self._parts(y, level)
        shift, logit = self.net(deciding, level)
        return self._join(deciding, (changed - shift) / (logit + 2).sigmoid()), -level.total(F.logsigmoid(logit + 2))

    def _parts(self, x: Tensor, level: Level) -> tuple[Tensor, Tensor, Level]:
        """The half that decides, the other one, and the level of their rows."""
        if self.split == "rows":
            first, second, level = x[::2], x[1::2], level.every_second
        elif self.split == "halves":
            first, second = x.chunk(2, 1)
        else:
            first, second = x[:, ::2], x[:, 1::2]
        return (first, second, level) if self.up else (second, first, level)

    def _join(self, deciding: Tensor, changed: Tensor) -> Tensor:
        first, second = (deciding, changed) if self.up else (changed, deciding)
        if self.split == "halves":
            return torch.cat([first, second], 1)
        dim = 1 if self.split == "rows" else 2
        return torch.stack([first, second], dim).flatten(dim - 1, dim)


class Flow(nn.Module):
    """Levels of invertible layers; a level halves the rows that are left."""

    def __init__(self, config: TransformerConfig, steps: list[int]):
        """steps: of each level, first to last. config: `decoder_ffn` and `decoder_heads` are those of couplings."""
        super().__init__()
        last = len(steps) - 1
        self.levels = nn.ModuleList(
            nn.ModuleList(_layers(config, number, last=level == last)) for level, number in enumerate(steps)
        )

    def forward(self, z: Tensor, level: Level) -> tuple[Tensor, Tensor]:
        """Noise [P, C] of latent rows z [P, C], and the log-determinant [B] of its Jacobian."""
        return self._to_noise(z, level, fit=False)

    @torch.no_grad()
    def fit(self, z: Tensor, level: Level) -> None:
        """Let each layer begin with the rows that the layers before it make of z."""
        self._to_noise(z, level, fit=True)

    def _to_noise(self, z: Tensor, level: Level, *, fit: bool) -> tuple[Tensor, Tensor]:
        done, total = [], z.new_zeros(level.sentences)
        for number, layers in enumerate(self.levels):
            if number:
                z, half = z.chunk(2, 1)
                done.append(half)
                z, level = z.reshape(z.size(0) // 2, -1), level.every_second
            for layer in self._of(layers):
                if fit:
                    layer.fit(z)
                z, determinant = layer(z, level)
                total = total + determinant
        for half in reversed(done):
            z = torch.cat([z.reshape(half.shape), half], 1)
        return z, total

    def inverse(self, noise: Tensor, level: Level) -> tuple[Tensor, Tensor]:
        """Latent rows [P, C] of noise [P, C], and the log-determinant [B] of their Jacobian."""
        done, views, total = [], [level], noise.new_zeros(level.sentences)
        for _ in range(len(self.levels) - 1):
            noise, half = noise.chunk(2, 1)
            done.append(half)
            noise = noise.reshape(noise.size(0) // 2, -1)
            views.append(views[-1].every_second)
        for number in reversed(range(len(self.levels))):
            for layer in reversed(list(self._of(self.levels[number]))):
                noise, determinant = layer.inverse(noise, views[number])
                total = total + determinant
            if number:
                half = done[number - 1]
                noise = torch.cat([noise.reshape(half.shape), half], 1)
        return noise, total

    def log_probability(self, z: Tensor, level: Level) -> Tensor:
        """[B] the log-density of the latent rows z [P, C] of each sentence."""
        noise, determinant = self(z, level)
        return level.total(normal_log_density(noise)) + determinant

    @staticmethod
    def _of(layers: nn.Module) -> Iterator[Invertible]:
        for layer in cast(nn.ModuleList, layers):
            yield cast(Invertible, layer)


def normal_log_density(x: Tensor) -> Tensor:
    """The log-density of standard normal numbers, element by element."""
    return -0.5 * (x.square() + math.log(2 * math.pi))


def _layers(config: TransformerConfig, steps: int, *, last: bool) -> Iterator[Invertible]:
    """The layers of a level: one pair of couplings by position, the steps, and what the half that leaves depends on."""
    channels = config.dimension

    def pair(split: str, *, attends: bool = False) -> Iterator[Invertible]:
        yield Coupling(config, channels, split, up=True, attends=attends)
        yield Coupling(config, channels, split, up=False)

    yield ActNorm(channels)
    yield from pair("halves", attends=True)
    for interleaved in (False, True) * steps:
        yield ActNorm(channels)
        yield BlockLinear(channels, interleaved=interleaved)
        yield from pair("halves")
        yield ActNorm(channels)
        yield from pair("interleaved")
        if not last:
            yield ActNorm(channels)
            yield from pair("rows")
    if not last:
        yield Coupling(config, channels, "halves", up=True)

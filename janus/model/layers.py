"""Post-norm Transformer layers over rows [N, D] (Vaswani et al., 2017), with fairseq's parameter names."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from janus.model.attention import Attention, View
from janus.model.config import TransformerConfig
from janus.model.dropout import dropout

_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"relu": F.relu, "gelu": F.gelu}


class _Layer(nn.Module):
    """What encoder and decoder layers share: self-attention, feed-forward, residual dropout."""

    def __init__(self, config: TransformerConfig, heads: int, ffn: int):
        super().__init__()
        self.dropout, self.activation_dropout = config.dropout, config.activation_dropout
        self.activation = _ACTIVATIONS[config.activation]
        self.self_attn = Attention(config.dimension, heads, config.attention_dropout)
        self.self_attn_layer_norm = nn.LayerNorm(config.dimension)
        self.fc1 = nn.Linear(config.dimension, ffn)
        self.fc2 = nn.Linear(ffn, config.dimension)
        self.final_layer_norm = nn.LayerNorm(config.dimension)

    def residual(self, rows: Tensor, update: Tensor, norm: nn.LayerNorm) -> Tensor:
        """Add a dropped-out update to rows and normalise."""
        return norm(rows + dropout(update, self.dropout, self.training))

    def feed_forward(self, rows: Tensor) -> Tensor:
        """The position-wise network with its residual."""
        hidden = dropout(self.activation(self.fc1(rows)), self.activation_dropout, self.training)
        return self.residual(rows, self.fc2(hidden), self.final_layer_norm)


class EncoderLayer(_Layer):
    """Self-attention and feed-forward."""

    def __init__(self, config: TransformerConfig):
        super().__init__(config, config.encoder_heads, config.encoder_ffn)

    def forward(self, rows: Tensor, view: View) -> Tensor:
        """rows [N, D] -> [N, D]"""
        attended = self.self_attn(rows, *self.self_attn.keys_values(rows), view)
        return self.feed_forward(self.residual(rows, attended, self.self_attn_layer_norm))


class DecoderLayer(_Layer):
    """Two-stream self-attention, cross-attention, feed-forward; content and query rows share all weights."""

    def __init__(self, config: TransformerConfig):
        super().__init__(config, config.decoder_heads, config.decoder_ffn)
        self.encoder_attn = Attention(config.dimension, config.decoder_heads, config.attention_dropout)
        self.encoder_attn_layer_norm = nn.LayerNorm(config.dimension)

    def forward(self, rows: Tensor, content: Tensor, own: View, memory: tuple[Tensor, Tensor], cross: View) -> Tensor:
        """Update rows [P, D]: each asks, the content rows [C, D] (this layer's input) answer.

        memory: keys and values of the source, each [M, D]. own, cross: who sees whom among targets and to the source.
        """
        attended = self.self_attn(rows, *self.self_attn.keys_values(content), own)
        rows = self.residual(rows, attended, self.self_attn_layer_norm)
        rows = self.residual(rows, self.encoder_attn(rows, *memory, cross), self.encoder_attn_layer_norm)
        return self.feed_forward(rows)


class Positions(nn.Module):
    """Position vectors by index; fairseq keeps pad + 1 rows before index 0, and so do we.

    Learned positions are parameters; sinusoidal ones are computed, and no part of a checkpoint.
    """

    def __init__(self, config: TransformerConfig, bound: int):
        super().__init__()
        self.offset, self.bound, self.dimension = config.pad + 1, bound, config.dimension
        if config.positions == "learned":
            self.weight = nn.Parameter(torch.empty(bound + self.offset, config.dimension))
        else:
            self.register_parameter("weight", None)
            self.register_buffer("table", sinusoids(bound + self.offset, config.dimension), persistent=False)

    def materialise(self) -> None:
        """Compute the sinusoidal table of a model that was built without memory (torch's meta device)."""
        if self.weight is None:
            self.table = sinusoids(self.bound + self.offset, self.dimension)

    def forward(self, index: Tensor) -> Tensor:
        """Vectors [N, D] for indices [N]; whoever makes a batch keeps them below the bound."""
        return F.embedding(index + self.offset, self.table if self.weight is None else self.weight)


def sinusoids(rows: int, dimension: int) -> Tensor:
    """[rows, D]: sines in the first half, cosines in the second (tensor2tensor's layout, which fairseq follows)."""
    half = dimension // 2
    rate = torch.exp(torch.arange(half, dtype=torch.float) * -(math.log(10000) / (half - 1)))
    angle = torch.arange(rows, dtype=torch.float)[:, None] * rate
    return F.pad(torch.cat([angle.sin(), angle.cos()], 1), (0, dimension % 2))

"""Post-norm Transformer layers over rows [N, D] (Vaswani et al., 2017), with fairseq's parameter names."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from janus.errors import InputError
from janus.model.attention import Attention, View
from janus.model.config import TransformerConfig
from janus.model.dropout import dropout
from kernels.backend import product_type
from kernels.residual_norm import residual_norm
from kernels.rounded_linear import RoundedLinear

_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"relu": F.relu, "gelu": F.gelu}


def _activation(name: str) -> Callable[[Tensor], Tensor]:
    if name not in _ACTIVATIONS:
        fix = f"give a model with one of {', '.join(_ACTIVATIONS)}"
        raise InputError(f"activation_fn is {name!r}, which is not supported", where="model options", fix=fix)
    return _ACTIVATIONS[name]


@dataclass(frozen=True)
class Rows:
    """Rows [N, D] between sublayers: in the type of the residual sum, and in that of the next matrix products."""

    exact: Tensor
    lean: Tensor

    @classmethod
    def of(cls, rows: Tensor) -> Rows:
        """Rows with a copy in autocast's type, or the rows themselves without autocast."""
        return cls(rows, rows.to(product_type(rows)))

    def select(self, index: Tensor) -> Rows:
        """The rows named by `index`."""
        exact = self.exact[index]
        # Without autocast both are one tensor.
        return Rows(exact, exact if self.lean is self.exact else self.lean[index])


class _Layer(nn.Module):
    """What encoder and decoder layers share: self-attention, feed-forward, residual dropout."""

    def __init__(self, config: TransformerConfig, heads: int, ffn: int):
        super().__init__()
        self.dropout, self.activation_dropout = config.dropout, config.activation_dropout
        self.activation = _activation(config.activation)
        self.self_attn = Attention(config.dimension, heads, config.attention_dropout)
        self.self_attn_layer_norm = nn.LayerNorm(config.dimension)
        self.fc1 = RoundedLinear(config.dimension, ffn)
        self.fc2 = RoundedLinear(ffn, config.dimension)
        self.final_layer_norm = nn.LayerNorm(config.dimension)

    def residual(self, rows: Tensor, update: Tensor, norm: nn.LayerNorm) -> Rows:
        """Add a dropped-out update to rows [N, D] and normalise."""
        dropped = self.dropout if self.training else 0.0
        return Rows(*residual_norm(rows, update, norm.weight, norm.bias, norm.eps, dropped))

    def feed_forward(self, rows: Rows) -> Rows:
        """The position-wise network with its residual."""
        hidden = dropout(self.activation(self.fc1(rows.lean)), self.activation_dropout, self.training)
        return self.residual(rows.exact, self.fc2(hidden), self.final_layer_norm)


class EncoderLayer(_Layer):
    """Self-attention and feed-forward."""

    def __init__(self, config: TransformerConfig):
        super().__init__(config, config.encoder_heads, config.encoder_ffn)

    def forward(self, rows: Rows, view: View) -> Rows:
        """rows [N, D] -> [N, D]"""
        attended = self.self_attn(rows.lean, *self.self_attn.keys_values(rows.lean), view)
        return self.feed_forward(self.residual(rows.exact, attended, self.self_attn_layer_norm))


class DecoderLayer(_Layer):
    """Two-stream self-attention, cross-attention, feed-forward; content and query rows share all weights."""

    def __init__(self, config: TransformerConfig):
        super().__init__(config, config.decoder_heads, config.decoder_ffn)
        self.encoder_attn = Attention(config.dimension, config.decoder_heads, config.attention_dropout)
        self.encoder_attn_layer_norm = nn.LayerNorm(config.dimension)

    def forward(self, rows: Rows, content: Tensor, own: View, memory: tuple[Tensor, Tensor], cross: View) -> Rows:
        """Update rows [P, D]: all are queries; the content rows [C, D], this layer's input, give keys and values.

        memory: keys and values of the source, each [M, D]. own, cross: the views of the target and of the source.
        """
        attended = self.self_attn(rows.lean, *self.self_attn.keys_values(content), own)
        rows = self.residual(rows.exact, attended, self.self_attn_layer_norm)
        crossed = self.encoder_attn(rows.lean, *memory, cross)
        return self.feed_forward(self.residual(rows.exact, crossed, self.encoder_attn_layer_norm))


class Positions(nn.Module):
    """Position vectors by index, with pad + 1 rows before index 0 as in fairseq.

    Learned positions are parameters; sinusoidal ones are computed and not part of a checkpoint.
    """

    def __init__(self, config: TransformerConfig, bound: int):
        super().__init__()
        self.offset, self.bound, self.dimension = config.pad + 1, bound, config.dimension
        if config.positions == "learned":
            self.weight = nn.Parameter(torch.empty(bound + self.offset, config.dimension))
        else:
            self.register_parameter("weight", None)
            table = torch.empty(bound + self.offset, config.dimension)
            table = table if table.is_meta else sinusoids(*table.shape)
            self.register_buffer("table", table, persistent=False)

    def materialise(self, like: Tensor) -> None:
        """Compute the sinusoidal table of a model that was built without memory (torch's meta device).

        The table takes the type and the device of `like`, a weight that it is added to.
        """
        if self.weight is None:
            self.table = sinusoids(self.bound + self.offset, self.dimension).to(like)

    def forward(self, index: Tensor) -> Tensor:
        """Vectors [N, D] for indices [N], which the caller keeps below the bound."""
        return F.embedding(index + self.offset, self.table if self.weight is None else self.weight)


def sinusoids(rows: int, dimension: int) -> Tensor:
    """[rows, D]: sines in the first half, cosines in the second (tensor2tensor's layout, which fairseq follows)."""
    half = dimension // 2
    rate = torch.exp(torch.arange(half, dtype=torch.float) * -(math.log(10000) / (half - 1)))
    angle = torch.arange(rows, dtype=torch.float)[:, None] * rate
    return F.pad(torch.cat([angle.sin(), angle.cos()], 1), (0, dimension % 2))

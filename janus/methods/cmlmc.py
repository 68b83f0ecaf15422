"""CMLMC (Huang et al., 2022): CMLM that tells places apart, and that learns to correct its own tokens.

A masked canvas is decoded as in CMLM. On the same encoding, without gradient, the model drafts every token of a fully
masked canvas, and a share of the tokens that the masked canvas reveals is replaced by the draft's; a copy of the canvas
with these replacements predicts the gold tokens again. The two cross entropies are averaged.

The model concatenates word and position vectors instead of adding them, and its decoder layers have two
self-attentions: the first sees the whole canvas, the second only the cells up to its own. The numbers are those of
the authors' code (layer6ai-labs/CMLMC), except that no cell sees padding. Axes: B sentences, C of them corrected,
T target places, P cells, D model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from janus.methods.base.batch import Symbols, as_plain, pack_source, rows_of, source_of
from janus.methods.base.joint_loss import CorrectionWeights, joint_loss
from janus.methods.base.method import Loss, Method, Step, Use
from janus.methods.base.options import option
from janus.methods.joint import Masking
from janus.model.attention import Attention, View
from janus.model.config import TransformerConfig
from janus.model.layers import DecoderLayer, Rows
from janus.model.ragged import Ragged
from janus.model.rows import DecoderRows, Read
from janus.model.streams import pack_cells
from janus.model.transformer import Decoder, Encoder, JanusTransformer, Memory
from janus.noise.masks import maskable
from kernels.rounded_linear import RoundedLinear


@dataclass(frozen=True)
class CmlmcOptions:
    """How much is replaced, and the weight of the length."""

    corruption: float = option(
        0.3,
        "Share of the revealed tokens of a sentence that the model's own predictions replace, rounded down.",
        exclusiveMinimum=0,
        maximum=1,
    )
    length: float = option(0.1, "Weight of the length loss.", minimum=0)


class CmlmcEncoder(Encoder):
    """An encoder that concatenates word and position vectors."""

    def __init__(self, config: TransformerConfig):
        super().__init__(config)
        self.PEfc = RoundedLinear(2 * config.dimension, config.dimension)

    def combine(self, words: Tensor, positions: Tensor) -> Tensor:
        """A projection [P, D] of both."""
        return concatenated(self.PEfc, words, positions)


class CmlmcLayer(DecoderLayer):
    """A decoder layer behind a further self-attention with its own residual and norm."""

    def __init__(self, config: TransformerConfig):
        super().__init__(config)
        self.self_attn_unmasked = Attention(config.dimension, config.decoder_heads, config.attention_dropout)
        self.self_attn_unmasked_layer_norm = nn.LayerNorm(config.dimension)

    def look(self, rows: Rows, view: View) -> Rows:
        """The first self-attention: rows [P, D] -> [P, D]."""
        attended = self.self_attn_unmasked(rows.lean, *self.self_attn_unmasked.keys_values(rows.lean), view)
        return self.residual(rows.exact, attended, self.self_attn_unmasked_layer_norm)


class CmlmcDecoder(Decoder):
    """A decoder of canvases, with two self-attentions a layer, that concatenates word and position vectors."""

    layer_class = CmlmcLayer

    def __init__(self, config: TransformerConfig):
        super().__init__(config)
        self.PEfc = RoundedLinear(2 * config.dimension, config.dimension)

    def combine(self, words: Tensor, positions: Tensor) -> Tensor:
        """A projection [P, D] of both."""
        return concatenated(self.PEfc, words, positions)

    def before_layer(self, number: int, rows: Rows, streams: DecoderRows) -> Rows:
        """The layer's first self-attention, in which every cell sees its whole canvas."""
        layer, cells = self.layers[number], Ragged(streams.sentence, streams.sentences)
        assert isinstance(layer, CmlmcLayer)
        return layer.look(rows, View(cells, cells))

    def forward(self, streams: DecoderRows, memory: Memory, read: Tensor) -> Tensor:
        """As the plain decoder; what sees a whole canvas here sees the cells up to its own in the second attention."""
        return super().forward(replace(streams, spans=earlier(streams)), memory, read)


class CmlmcTransformer(JanusTransformer):
    """The Transformer of CMLMC, under the names of its authors' parameters."""

    encoder_class = CmlmcEncoder
    decoder_class = CmlmcDecoder


class Cmlmc(Method):
    """Masked tokens and corrections; decoding predicts every cell anew in each pass."""

    Options = CmlmcOptions
    options: CmlmcOptions
    network = CmlmcTransformer
    decoders = {"nar": Use("mask_predict", {"repredict": True})}

    def configure(self, config: TransformerConfig) -> TransformerConfig:
        """The authors' model: word vectors without a scale."""
        return replace(config, scale_embedding=False)

    def pack(self, source: Tensor, target: Tensor, symbols: Symbols, generator: torch.Generator) -> dict[str, Any]:
        """The masks of CMLM, and the order in which revealed tokens are replaced."""
        masked = Masking(kind="uniform").draw(target, symbols, generator)
        order = torch.rand(target.shape, generator=generator)
        return {
            "source": pack_source(source, symbols.pad),
            "lengths": target.ne(symbols.pad).sum(1),
            **self.canvases(target, masked, order, symbols),
        }

    def canvases(self, target: Tensor, masked: Tensor, order: Tensor, symbols: Symbols) -> dict[str, Any]:
        """The plain rows of both passes with a gradient, and of the draft.

        target: [B, T]. masked: [B, T] boolean. order: [B, T], of which the least are replaced. The B masked canvases
        are followed by copies of the C canvases with replaced tokens, `corrected` for now with their gold tokens.
        """
        inner, sentences = maskable(target, pad=symbols.pad), torch.arange(target.size(0))
        revealed = inner & ~masked
        count = (self.options.corruption * revealed.sum(1)).floor()
        replaced = order.masked_fill(~revealed, 2.0).argsort(1).argsort(1) < count[:, None]
        copied = sentences[replaced.any(1)]
        drafts = target.masked_fill(inner, symbols.mask)[copied]
        both = torch.cat([sentences, copied])
        copies = torch.arange(both.numel()) >= sentences.numel()
        gold = target[both]
        cells = {"nar": (masked[both] & ~copies[:, None], gold), "corrected": (replaced[both] & copies[:, None], gold)}
        size = {"pad": symbols.pad, "mask": symbols.mask}
        canvases = pack_cells(target.masked_fill(masked, symbols.mask)[both], both, read=cells, **size)
        draft = pack_cells(drafts, copied, read={"draft": (replaced[copied], target[copied])}, **size)
        return {"streams": as_plain(canvases), "draft": as_plain(draft)}

    def loss(self, model: JanusTransformer, packed: Mapping[str, Any], step: Step) -> Loss:
        """The mean of the cross entropies that have tokens, and that of the length.

        The first update corrects nothing.
        """
        streams, draft = rows_of(packed["streams"]), rows_of(packed["draft"])
        memory, encoded = model.encode(source_of(packed["source"]))
        corrected = streams.read["corrected"]
        if not step.update:
            corrected = Read(corrected.rows[:0], corrected.labels[:0])
        elif corrected.rows.numel():
            with torch.no_grad():
                words = model.project(model.decoder(draft, memory, draft.read["draft"].rows)).argmax(-1)
            streams = streams.with_tokens(streams.token.index_copy(0, corrected.rows, words))
        streams = replace(streams, read={**streams.read, "corrected": corrected})
        share = 0.5 if corrected.rows.numel() else 1.0
        weights = CorrectionWeights(nar=share, correction=share, length=self.options.length)
        total, terms = joint_loss(model.decode(streams, memory, encoded), packed["lengths"], weights, step.smoothing)
        return Loss(total, 1, terms)


def concatenated(project: nn.Linear, words: Tensor, positions: Tensor) -> Tensor:
    """A projection [P, D] of word and position vectors, each [P, D], in the type of the residual sum."""
    return project(torch.cat([words, positions], 1)).to(words.dtype)


def earlier(streams: DecoderRows) -> Tensor:
    """The intervals [P, 4] of a canvas's cells, cut to the cells at places up to a row's own.

    A canvas has one row a place, and its intervals hold all of them, each in the order of places.
    """
    row = torch.arange(streams.place.numel(), device=streams.place.device)
    first, end, second, _ = streams.spans.long().unbind(1)
    in_first = (first <= row) & (row < end)
    # own, other: [P] the cells up to a row's own, in its own interval and in the other one
    own = row - torch.where(in_first, first, second) + 1
    other = streams.place + 1 - own
    counts = torch.where(in_first, own, other), torch.where(in_first, other, own)
    return torch.stack([first, first + counts[0], second, second + counts[1]], 1).int()


METHOD = Cmlmc

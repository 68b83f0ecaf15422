"""The network of models that read every cell of a canvas in one pass, with what such models add to the Transformer.

Cells may begin as copies of the source's word vectors (Gu et al., 2018), and every decoder layer may predict the words,
which the next layer reads (DSLP; Huang et al., 2022). Axes: B sentences, N source rows, P cells, R cells that are read,
D model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from janus.model.config import TransformerConfig
from janus.model.dropout import dropout
from janus.model.layers import Rows
from janus.model.ragged import Ragged, Source
from janus.model.rows import DecoderRows, States
from janus.model.transformer import Decoder, JanusTransformer, Memory
from janus.model.two_passes import Glance, glanced
from kernels.rounded_linear import RoundedLinear
from kernels.top_words import best_words


@dataclass(frozen=True)
class CanvasConfig(TransformerConfig):
    """factor: cells for each source token, where no length is predicted. copies: whether cells begin as source words.

    layerwise: whether each decoder layer but the first reads the words that the layer before it predicts.
    """

    factor: int = 1
    copies: bool = False
    layerwise: bool = False


@dataclass(frozen=True)
class MixedRows(DecoderRows):
    """Rows whose layers read some words that are given instead of predicted: [P] words, -1 for predictions."""

    given: Tensor


@dataclass(frozen=True)
class LayerStates(States):
    """States with the hidden rows [R, D] of each decoder layer that predicts, first to last."""

    layers: Sequence[Tensor] = ()


@dataclass(frozen=True)
class WordMemory(Memory):
    """A memory with the word vectors [N, D] of the source, scaled as the encoder reads them."""

    words: Tensor = torch.empty(0)


class CanvasDecoder(Decoder):
    """A decoder of canvases, under the names of DSLP's parameters."""

    config: CanvasConfig

    def __init__(self, config: TransformerConfig):
        assert isinstance(config, CanvasConfig)
        super().__init__(config)
        size, mixtures = config.dimension, config.decoder_layers - 1 if config.layerwise else 0
        self.reduce_concat = nn.ModuleList(RoundedLinear(2 * size, size, bias=False) for _ in range(mixtures))

    def inputs(self, streams: DecoderRows, memory: Memory) -> Tensor:
        """[P, D] word vectors, the canvas's own or copies of the source's, with positions."""
        if not self.config.copies:
            return super().inputs(streams, memory)
        words = cast(WordMemory, memory).words[copied_rows(streams, memory.layout)]
        return dropout(words + self.embed_positions(streams.position), self.config.dropout, self.training)

    def before_layer(self, number: int, rows: Rows, streams: DecoderRows) -> Rows:
        """Mix each row with the word vector of its prediction, without scale and position (DSLP, equation 5).

        The mixture replaces the row; no gradient passes through the choice of the word.
        """
        if not (number and self.config.layerwise):
            return rows
        word = best_words(rows.lean, self.output_projection.weight)
        if isinstance(streams, MixedRows):
            word = torch.where(streams.given < 0, word, streams.given)
        return Rows.of(self.reduce_concat[number - 1](torch.cat([rows.exact, self.embed_tokens(word)], 1)))


class CanvasTransformer(JanusTransformer):
    """A Transformer of canvases; its configuration is a `CanvasConfig`."""

    config: CanvasConfig
    decoder_class = CanvasDecoder

    def encode(self, source: Source, passes: int = 1) -> tuple[Memory, Tensor]:
        """As the plain Transformer does; if cells copy words, the memory holds those of the source."""
        memory, encoded = super().encode(source, passes)
        if not self.config.copies:
            return memory, encoded
        words = self.encoder.embed_tokens(source.token) * self.encoder.scale
        return WordMemory(**vars(memory), words=words), encoded

    def forward(self, source: Source, streams: DecoderRows, glance: Glance | None = None) -> LayerStates:
        """The states of the rows, or of those that `glance` makes of a first pass with the same dropout."""
        memory, encoded = self.encode(source)
        return self.decode(glanced(glance, self.decoder, streams, memory), memory, encoded)

    def decode(self, streams: DecoderRows, memory: Memory, encoded: Tensor) -> LayerStates:
        """As `forward`, for a batch that is encoded already; `streams` has one entry to read.

        The last layer computes the other rows too, so that its dropout does not depend on what is read.
        """
        ((name, read),) = streams.read.items()
        every = torch.arange(streams.content, device=read.rows.device)
        layers = list(self.decoder.forward_layers(streams, memory, every))
        predicting = [rows[read.rows] for rows in (layers if self.config.layerwise else layers[-1:])]
        return LayerStates(
            hidden={name: predicting[-1]},
            read=streams.read,
            vocabulary=self.decoder.output_projection.weight,
            length=None if self.config.length == "none" else self.decoder.forward_length(encoded, memory.layout),
            layers=predicting,
        )


def copied_rows(streams: DecoderRows, source: Ragged) -> Tensor:
    """[P] the source row that each cell copies: cell i of n, of m source tokens, number i (m - 1) / (n - 1), rounded.

    In float32, halves to even, as fairseq does.
    """
    cells = torch.bincount(streams.sentence, minlength=streams.sentences)
    step = (source.counts()[streams.source].float() - 1) / (cells[streams.sentence].float() - 1)
    return source.bounds()[streams.source] + (step * streams.place).round().long()

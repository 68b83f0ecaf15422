"""One Transformer that decodes autoregressively and by mask-predict (paper section 3.1, Figure 2).

Axes: B sentences, N source rows, P decoder rows (C of them content), R rows that are read, D model, V vocabulary.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from janus.model.attention import View
from janus.model.config import TransformerConfig
from janus.model.dropout import dropout
from janus.model.layers import DecoderLayer, EncoderLayer, Positions, Rows
from janus.model.ragged import Ragged, Source
from janus.model.rows import DecoderRows, States


@dataclass(frozen=True)
class Memory:
    """The source as seen by the decoder.

    layers: keys and values of each decoder layer's cross-attention. layout: the rows [N] of one encoding over B
    sentences. two_passes: whether there are two encodings, 2 N rows, the first for the AR rows, the second for others.
    """

    layers: list[tuple[Tensor, Tensor]]
    layout: Ragged
    two_passes: bool = False


class _Embedder(nn.Module):
    """Word and position vectors, the first layer of encoder and decoder."""

    def __init__(self, config: TransformerConfig, words: int, positions: int):
        super().__init__()
        self.config = config
        self.scale = math.sqrt(config.dimension) if config.scale_embedding else 1.0
        self.embed_tokens = nn.Embedding(words, config.dimension, config.pad)
        self.embed_positions = Positions(config, positions)
        self.layernorm_embedding = nn.LayerNorm(config.dimension) if config.layernorm_embedding else None

    def embed(self, token: Tensor, position: Tensor) -> Tensor:
        """Rows [P, D] of tokens at positions."""
        rows = self.combine(self.embed_tokens(token) * self.scale, self.embed_positions(position))
        if self.layernorm_embedding is not None:
            rows = self.layernorm_embedding(rows)
        return dropout(rows, self.config.dropout, self.training)

    def combine(self, words: Tensor, positions: Tensor) -> Tensor:
        """Rows [P, D] of word and position vectors [P, D]: their sums, unless a method combines them otherwise."""
        return words + positions


class Encoder(_Embedder):
    """The standard Transformer encoder, on rows without padding; a method may have another `layer_class`."""

    layer_class: type[EncoderLayer] = EncoderLayer

    def __init__(self, config: TransformerConfig):
        super().__init__(config, config.source_vocabulary, config.source_positions)
        self.layers = nn.ModuleList(self.layer_class(config) for _ in range(config.encoder_layers))

    def forward(self, source: Source) -> Tensor:
        """Encode a batch of sources: rows [N, D]."""
        rows = Rows.of(self.embed(source.token, source.position))
        for layer, view in zip(self.layers, self.views(source.layout), strict=True):
            rows = layer(rows, view)
        return rows.exact

    def views(self, layout: Ragged) -> list[View]:
        """What the rows of a layout see in each layer, all of their sentence; a method may narrow it."""
        return [View(layout, layout)] * len(self.layers)


class Decoder(_Embedder):
    """The two-stream decoder: content rows provide keys and values, all rows are queries; the weights are shared.

    A method with other layers subclasses this with its own `layer_class`.
    """

    layer_class: type[DecoderLayer] = DecoderLayer

    def __init__(self, config: TransformerConfig):
        super().__init__(config, config.target_vocabulary, config.target_positions)
        self.layers = nn.ModuleList(self.layer_class(config) for _ in range(config.decoder_layers))
        self.output_projection = nn.Linear(config.dimension, config.target_vocabulary, bias=False)
        if config.length != "none":
            self.embed_length = nn.Embedding(config.length_classes, config.dimension)

    def blocks(self) -> list[DecoderLayer]:
        """The layers, first to last."""
        return cast(list[DecoderLayer], list(self.layers))

    def memory(self, encoded: list[Tensor], layout: Ragged) -> Memory:
        """Project encoder rows for the cross-attention of every layer, once for all streams and all passes.

        encoded: one encoding [N, D], or two if AR and NAR streams have separate encoder passes.
        """
        rows = torch.cat(encoded)
        return Memory([layer.encoder_attn.keys_values(rows) for layer in self.blocks()], layout, len(encoded) == 2)

    def inputs(self, streams: DecoderRows, memory: Memory) -> Tensor:
        """The rows [P, D] that enter the first layer; a method may make them of more than a token and a position."""
        return self.embed(streams.token, streams.position)

    def before_layer(self, number: int, rows: Rows, streams: DecoderRows) -> Rows:
        """The rows [P, D] that enter layer `number`; a method may add to them."""
        return rows

    def forward(self, streams: DecoderRows, memory: Memory, read: Tensor) -> Tensor:
        """Run all streams in one pass and return the hidden rows [R, D] named by `read` [R]."""
        (hidden,) = deque(self.forward_layers(streams, memory, read), maxlen=1)
        return hidden

    def forward_layers(self, streams: DecoderRows, memory: Memory, read: Tensor) -> Iterator[Tensor]:
        """The rows [P, D] that leave each layer, and of the last layer those named by `read` [R], [R, D].

        The last layer computes only these, since no later layer attends to the others.
        """
        rows = Rows.of(self.inputs(streams, memory))
        own, cross = views(streams, memory, torch.arange(streams.token.numel(), device=streams.token.device))
        for number, (layer, keys_values) in enumerate(zip(self.layers[:-1], memory.layers)):
            rows = self.before_layer(number, rows, streams)
            rows = layer(rows, rows.lean[: streams.content], own, keys_values, cross)
            yield rows.exact
        rows = self.before_layer(len(self.layers) - 1, rows, streams)
        # In the order of all rows, whose content and query parts are each ordered by sentence.
        ordered, place = read.sort()
        own, cross = views(streams, memory, ordered)
        content = rows.lean[: streams.content]
        hidden = self.layers[-1](rows.select(ordered), content, own, memory.layers[-1], cross).exact
        yield torch.empty_like(hidden).index_copy(0, place, hidden)

    def forward_length(self, encoded: Tensor, layout: Ragged) -> Tensor:
        """Scores [B, L] of target lengths from the mean encoder state of each sentence (section 3.3)."""
        total = encoded.new_zeros(layout.groups, encoded.size(1)).index_add(0, layout.group, encoded)
        return F.linear(total / layout.counts()[:, None].to(total), self.embed_length.weight)


def views(streams: DecoderRows, memory: Memory, rows: Tensor) -> tuple[View, View]:
    """The views of the decoder rows `rows` on the content of their own sentence and on the source."""
    second_part = rows >= streams.content
    content = Ragged(streams.sentence[: streams.content], streams.sentences)
    own = View(Ragged(streams.sentence[rows], streams.sentences), content, streams.spans[rows], second_part)
    queries, source = Ragged(streams.source[rows], memory.layout.groups), memory.layout
    if not memory.two_passes:
        return own, View(queries, source, None, second_part)
    bounds = source.bounds()
    start = (
        torch.stack([bounds[queries.group], bounds[queries.group + 1]], 1)
        + torch.where(streams.second_encoding[rows], source.group.numel(), 0)[:, None]
    )
    both = Ragged(source.group.repeat(2), source.groups)
    return own, View(queries, both, F.pad(start, (0, 2)).int(), second_part)


class JanusTransformer(nn.Module):
    """Encoder, two-stream decoder and length classifier under fairseq's parameter names.

    A method with another encoder or decoder subclasses this with its own `encoder_class` or `decoder_class`.
    beside: names of networks of layers beside them that an update runs, and whether decoding runs them, too.
    """

    encoder_class: type[Encoder] = Encoder
    decoder_class: type[Decoder] = Decoder
    beside: Mapping[str, bool] = MappingProxyType({})

    def __init__(self, config: TransformerConfig):
        super().__init__()
        self.config = config
        self.encoder = self.encoder_class(config)
        self.decoder = self.decoder_class(config)
        self._tie()
        self.initialise()

    def _tie(self) -> None:
        if self.config.tied == "all":
            self.decoder.embed_tokens.weight = self.encoder.embed_tokens.weight
        if self.config.tied in ("all", "target"):
            self.decoder.output_projection.weight = self.decoder.embed_tokens.weight

    def initialise(self, bert: bool = False) -> None:
        """Draw new weights; padding rows are zero.

        bert: everything from N(0, 0.02) and biases of zero, as in the release (fairseq's --apply-bert-init), which
        suits widths of 512 and more. Otherwise fairseq's defaults, which scale with the width: embeddings and positions
        from N(0, 1/D), projections of attention Xavier-uniform, the joint scale of query, key and value reduced by
        sqrt(2), torch's own weights between them.
        """
        for name, module in self.named_modules():
            if not isinstance(module, (nn.Linear, nn.Embedding, Positions)) or module.weight is None:
                continue
            if bert:
                _draw_normal(module, 0.02)
            elif not isinstance(module, nn.Linear) or module is self.decoder.output_projection:
                _draw_normal(module, self.config.dimension**-0.5)
            else:
                _draw_linear(module, name)
        for padded in (self.encoder, self.decoder):
            nn.init.zeros_(padded.embed_tokens.weight[self.config.pad])
            if padded.embed_positions.weight is not None:
                nn.init.zeros_(padded.embed_positions.weight[self.config.pad])

    def encode(self, source: Source, passes: int = 1) -> tuple[Memory, Tensor]:
        """Encode a batch; returns the memory of the decoder, and the encoder rows [N, D] for predicting the length.

        passes: 2 if AR and NAR streams have separate encoder dropout (the release); the length is then predicted from
        the second pass, that of NAR.
        """
        encoded = [self.encoder(source) for _ in range(passes)]
        return self.decoder.memory(encoded, source.layout), encoded[-1]

    def forward(self, source: Source, streams: DecoderRows) -> States:
        """Compute the hidden rows of all predictions of the rows of a batch, in one decoder pass."""
        memory, encoded = self.encode(source, self.config.encoder_passes)
        return self.decode(streams, memory, encoded)

    def decode(self, streams: DecoderRows, memory: Memory, encoded: Tensor) -> States:
        """As `forward`, for a batch that is encoded already, as `encode` returns it."""
        parts = [one.rows for one in streams.read.values()]
        hidden = self.decoder(streams, memory, torch.cat(parts)).split([rows.numel() for rows in parts])
        has_length = self.config.length != "none"
        return States(
            hidden=dict(zip(streams.read, hidden)),
            read=streams.read,
            vocabulary=self.decoder.output_projection.weight,
            length=self.decoder.forward_length(encoded, memory.layout) if has_length else None,
        )

    def project(self, hidden: Tensor) -> Tensor:
        """Vocabulary scores [R, V] of hidden rows [R, D]."""
        return self.decoder.output_projection(hidden)


def _draw_normal(module: nn.Linear | nn.Embedding | Positions, std: float) -> None:
    nn.init.normal_(module.weight, std=std)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)


def _draw_linear(module: nn.Linear, name: str) -> None:
    """As in fairseq's layers and attention (`fairseq/modules`), which are distinguished by `name`."""
    module.reset_parameters()
    if name.endswith(("q_proj", "k_proj", "v_proj")):
        nn.init.xavier_uniform_(module.weight, gain=2**-0.5)
    elif name.endswith("out_proj"):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)

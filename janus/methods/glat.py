"""GLAT, the glancing Transformer (Qian et al., 2021), which learns to decode in one pass.

Each update decodes twice with the same dropout. A first pass over a blank canvas, which learns nothing, tells how far
the model is from the target, and a share of that distance, in gold tokens, is shown to the second pass, which learns
the others. The share falls during training. The numbers are those of the authors' code (FLC777/GLAT), which counts,
draws and learns the cells of bos and eos too.

The model has no scale on word vectors, adds positions before every decoder layer, and puts into a masked cell a
mixture of source words, weighted by the cell's position. Axes: B sentences, S source places, T target places, N source
rows, P cells, D model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from janus.methods.base.batch import Symbols, rows_of, source_of
from janus.methods.base.canvas import blank_canvases
from janus.methods.base.glancing import GlanceOptions, GlancingMethod, ranks, shown_cells
from janus.methods.base.joint_loss import Weights, joint_loss
from janus.methods.base.method import Loss, Step, Use
from janus.methods.base.options import option
from janus.model.config import TransformerConfig
from janus.model.dropout import dropout
from janus.model.layers import Rows
from janus.model.ragged import Ragged, Source
from janus.model.rows import DecoderRows, Read, States
from janus.model.transformer import Decoder, JanusTransformer, Memory
from janus.model.two_passes import Glance, glanced
from kernels.rounded_linear import RoundedLinear
from kernels.top_words import best_words


@dataclass(frozen=True)
class GlatOptions(GlanceOptions):
    """The share of the wrong cells that is shown, and the weight of the length."""

    glance_first: float = option(0.5, "Share of the distance that is shown at the first update.", minimum=0, maximum=1)
    glance_last: float = option(0.3, "Share after `glance_updates`.", minimum=0, maximum=1)
    length: float = option(0.05, "Weight of the length loss, times the share of the cells not shown.", minimum=0)


@dataclass(frozen=True)
class CopyMemory(Memory):
    """A memory that cells can copy from.

    words: [N, D] source word vectors. keys: [N, D] the same with their positions.
    """

    words: Tensor = torch.empty(0)
    keys: Tensor = torch.empty(0)


class GlatDecoder(Decoder):
    """A decoder whose masked cells begin as mixtures of source words, and that adds positions before every layer."""

    def __init__(self, config: TransformerConfig):
        super().__init__(config)
        self.copy_attn = RoundedLinear(config.dimension, config.dimension, bias=False)

    def inputs(self, streams: DecoderRows, memory: Memory) -> Tensor:
        """[P, D] word vectors; at masks, the mixture of the source's. Positions are added before the first layer."""
        words = self.embed_tokens(streams.token)
        masked = (streams.token == self.config.mask).nonzero(as_tuple=True)[0]
        return words.index_copy(0, masked, self._copied(streams, memory, masked).to(words.dtype))

    def _copied(self, streams: DecoderRows, memory: Memory, masked: Tensor) -> Tensor:
        """The mixtures [P', D] for the rows `masked` [P']."""
        assert isinstance(memory, CopyMemory)
        cells = Ragged(streams.source[masked], memory.layout.groups)
        # queries: [B, T, D], keys: [B, S, D], weights: [B, T, S]
        queries = cells.pad(self.copy_attn(self.embed_positions(streams.position[masked])))
        keys, filled = memory.layout.pad(memory.keys), memory.layout.filled()
        scores = (queries @ keys.transpose(1, 2)).float().masked_fill(~filled[:, None], -torch.inf)
        return cells.unpad(scores.softmax(-1).to(keys.dtype) @ memory.layout.pad(memory.words))

    def before_layer(self, number: int, rows: Rows, streams: DecoderRows) -> Rows:
        """Add the positions [P, D], and drop out."""
        positioned = rows.exact + self.embed_positions(streams.position)
        return Rows.of(dropout(positioned, self.config.dropout, self.training))


class GlatTransformer(JanusTransformer):
    """The Transformer of GLAT, under the names of its authors' parameters."""

    decoder_class = GlatDecoder

    def encode(self, source: Source, passes: int = 1) -> tuple[Memory, Tensor]:
        """As the plain Transformer does; the memory also holds the word vectors of the source."""
        memory, encoded = super().encode(source, passes)
        words = self.encoder.embed_tokens(source.token)
        keys = words + self.encoder.embed_positions(source.position)
        return CopyMemory(**vars(memory), words=words, keys=keys), encoded

    def forward(self, source: Source, streams: DecoderRows, glance: Glance | None = None) -> States:
        """The states of the rows, or of those that `glance` makes of a first pass with the same dropout."""
        memory, encoded = self.encode(source)
        return self.decode(glanced(glance, self.decoder, streams, memory), memory, encoded)


class Glat(GlancingMethod):
    """Glancing training, and decoding in one pass."""

    Options = GlatOptions
    options: GlatOptions
    network = GlatTransformer
    decoders = {"nar": Use("one_pass", {"passes": 1})}

    def configure(self, config: TransformerConfig) -> TransformerConfig:
        """The authors' model: word vectors without a scale, and gelu."""
        return replace(config, scale_embedding=False, activation="gelu")

    def pack(self, source: Tensor, target: Tensor, symbols: Symbols, generator: torch.Generator) -> dict[str, Any]:
        """The blank canvas, its gold tokens, and the rank of each cell in the order in which cells are shown."""
        return blank_canvases(source, target, symbols) | {"rank": ranks(target.ne(symbols.pad), generator)}

    def loss(self, model: JanusTransformer, packed: Mapping[str, Any], step: Step) -> Loss:
        """Cross entropy at the cells that are not shown, and of the length. Validation shows none."""
        streams, rank = rows_of(packed["streams"]), packed["rank"]
        glance = partial(look, streams, rank, self.options.share(step.update)) if step.training else None
        states = model(source_of(packed["source"]), streams, glance)
        hidden = states.read["nar"].labels.numel() / max(streams.content, 1)
        weights = Weights(nar=1, length=self.options.length * hidden)
        total, terms = joint_loss(states, packed["lengths"], weights, step.smoothing)
        return Loss(total, 1, terms)


def look(streams: DecoderRows, rank: Tensor, share: float, hidden: Tensor, vocabulary: Tensor) -> DecoderRows:
    """`show`, for the hidden rows [P, D] of the first pass and the output embedding [V, D]."""
    return show(streams, rank, share, best_words(hidden, vocabulary))


def show(streams: DecoderRows, rank: Tensor, share: float, predicted: Tensor) -> DecoderRows:
    """The rows with gold tokens at the first cells by `rank` [P]; the others are read.

    floor(share * distance) cells of a sentence are shown, the distance being the number of cells whose prediction
    `predicted` [P] is not the gold token.
    """
    gold = streams.read["nar"].labels
    shown = shown_cells(rank, predicted.ne(gold), streams.sentence, streams.sentences, share)
    rows = (~shown).nonzero(as_tuple=True)[0]
    return replace(streams, token=torch.where(shown, gold, streams.token), read={"nar": Read(rows, gold[rows])})


METHOD = Glat

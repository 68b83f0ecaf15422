"""DisCo, the disentangled context Transformer (Kasai et al., 2020).

Every token is predicted in one pass, each from other tokens of the sentence that it is shown. Keys and values are the
embedded tokens themselves, the same in all layers, so that what a token is shown cannot tell it about itself; queries
start from a position alone. Decoding predicts all words of a canvas anew in each pass
(`janus.decoding.easy_first`).

With the content of a sentence in the order eos, then its words in any one order, a query that is shown the first words
of the order but its own sees at most two intervals. In training the order is one permutation a sentence: since keys do
not know each other, the expected loss is that of a subset drawn for each word. The numbers are those of the authors'
code (facebookresearch/DisCo). Axes: B sentences, T target places, S source rows, P decoder rows, C of them content,
Q of them queries, D model, L length classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from janus.methods.base.batch import Symbols, as_plain, pack_source, source_of
from janus.methods.base.joint_loss import Weights, joint_loss
from janus.methods.base.method import Loss, Method, Step, Use
from janus.methods.base.options import option
from janus.model.attention import View
from janus.model.config import TransformerConfig
from janus.model.dropout import dropout
from janus.model.layers import DecoderLayer, Rows
from janus.model.ragged import Ragged, Source
from janus.model.rows import DecoderRows, Read
from janus.model.transformer import Decoder, Encoder, JanusTransformer, Memory, views

CONTENT, QUERY = range(2)
_NORM_EPS = 1e-12


@dataclass(frozen=True)
class DiscoOptions:
    """How the shown tokens are drawn, and the weight of the length."""

    subsets: Literal["permutation", "independent"] = option(
        "permutation",
        "The tokens that each token is shown; `permutation`, the first ones of one random order of the sentence, a "
        "number drawn for each, or `independent`, a random subset drawn for each, as the authors' code does it, with a "
        "dense mask. The expected loss is the same.",
    )
    length: float = option(1.0, "Weight of the length loss of a sentence, where that of a token is 1.", minimum=0)


@dataclass(frozen=True)
class SubsetRows(DecoderRows):
    """Rows whose queries see any subset of the content.

    seen: [Q, T] boolean, for each query the content rows of its sentence, in their order.
    """

    seen: Tensor = torch.empty(0, dtype=torch.bool)


@dataclass(frozen=True)
class SubsetView(View):
    """A view of any subsets. seen: [Q, K] boolean, for each query the keys of its group, in their order."""

    seen: Tensor = torch.empty(0, dtype=torch.bool)

    def attend(self, q: Tensor, k: Tensor, v: Tensor, heads: int, dropout: float) -> Tensor:
        """Attention on padded grids, since subsets are not intervals."""
        return self.attend_padded(q, k, v, heads, dropout)

    @cached_property
    def visible(self) -> Tensor | None:
        """[G, Q, K] boolean for the padded grids; an empty query cell sees everything, since it must see something."""
        return self.queries.pad(self.seen[:, : self.keys.width]) | ~self.queries.filled()[:, :, None]


class DiscoEncoder(Encoder):
    """An encoder with a row before each sentence, from which its target length is predicted."""

    def with_lengths(self, source: Source, vector: Tensor) -> tuple[Tensor, Tensor]:
        """The rows of the source [S, D] and those of the lengths [B, D], which start as `vector` [D]."""
        sentences = source.layout.groups
        group = torch.cat([torch.arange(sentences, device=source.token.device), source.layout.group])
        order = group.argsort(stable=True)
        layout = Ragged(group[order], sentences)
        starts = dropout(vector.expand(sentences, -1), self.config.dropout, self.training)
        rows = Rows.of(torch.cat([starts, self.embed(source.token, source.position)])[order])
        view = View(layout, layout)
        for layer in self.layers:
            rows = layer(rows, view)
        encoded = torch.empty_like(rows.exact).index_copy(0, order, rows.exact)
        return encoded[sentences:], encoded[:sentences]


class DiscoLayer(DecoderLayer):
    """A decoder layer whose first dropout is on the sum of the residual and the update, as in the authors' code."""

    def residual(self, rows: Tensor, update: Tensor, norm: nn.LayerNorm) -> Rows:
        """As the plain layer's but for that."""
        if norm is self.self_attn_layer_norm:
            rows, update = torch.zeros_like(rows), rows + update
        return super().residual(rows, update, norm)


class DiscoDecoder(Decoder):
    """A decoder whose layers change the queries only; its lengths are predicted from rows of their own."""

    layer_class = DiscoLayer

    def inputs(self, streams: DecoderRows, memory: Memory) -> Tensor:
        """[P, D]: words and positions of the content, positions of the queries."""
        positions = self.embed_positions(streams.position)
        words = self.embed_tokens(streams.token[: streams.content])
        rows = torch.cat([words + positions[: streams.content], positions[streams.content :]])
        return dropout(rows, self.config.dropout, self.training)

    def forward(self, streams: DecoderRows, memory: Memory, read: Tensor) -> Tensor:
        """The hidden rows [R, D] of the queries `read` [R]; no query is computed for another."""
        rows = self.inputs(streams, memory)
        ordered, place = read.sort()
        own, cross = views(streams, memory, ordered)
        if isinstance(streams, SubsetRows):
            own = SubsetView(own.queries, own.keys, seen=streams.seen[ordered - streams.content])
        content, queries = Rows.of(rows[: streams.content]).lean, Rows.of(rows).select(ordered)
        for layer, keys_values in zip(self.layers, memory.layers):
            queries = layer(queries, content, own, keys_values, cross)
        return torch.empty_like(queries.exact).index_copy(0, place, queries.exact)

    def forward_length(self, encoded: Tensor, layout: Ragged) -> Tensor:
        """Scores [B, L] of the lengths, eos counted, from their rows [B, D]. There is no length 0."""
        scores = F.linear(encoded, self.embed_length.weight)
        return torch.cat([torch.full_like(scores[:, :1], -torch.inf), scores[:, 1:]], 1)


class DiscoTransformer(JanusTransformer):
    """The Transformer of DisCo, under this suite's names."""

    encoder_class = DiscoEncoder
    decoder_class = DiscoDecoder
    encoder: DiscoEncoder

    def __init__(self, config: TransformerConfig):
        super().__init__(config)
        for module in self.modules():
            if isinstance(module, nn.LayerNorm):
                module.eps = _NORM_EPS

    def encode(self, source: Source, passes: int = 1) -> tuple[Memory, Tensor]:
        """The memory of the decoder, and the rows [B, D] for predicting the length, which the decoder does not see."""
        rows, lengths = self.encoder.with_lengths(source, self.decoder.embed_length.weight[0])
        return self.decoder.memory([rows], source.layout), lengths


class Disco(Method):
    """Every word from a random part of the others; parallel easy-first decoding."""

    Options = DiscoOptions
    options: DiscoOptions
    network = DiscoTransformer
    decoders = {"nar": Use("easy_first")}

    def configure(self, config: TransformerConfig) -> TransformerConfig:
        """The authors' model: word vectors without a scale, and gelu."""
        return replace(config, scale_embedding=False, activation="gelu")

    def pack(self, source: Tensor, target: Tensor, symbols: Symbols, generator: torch.Generator) -> dict[str, Any]:
        """The rows of the target without bos, and what each is shown."""
        target = target[:, 1:]
        share = torch.rand(target.shape, generator=generator)
        if self.options.subsets == "permutation":
            order = torch.rand(target.shape, generator=generator)
        else:
            order = torch.rand(*target.shape, target.size(1), generator=generator)
        return {
            "source": pack_source(source, symbols.pad),
            "lengths": target.ne(symbols.pad).sum(1),
            "streams": as_plain(shown(target, order, share, pad=symbols.pad)),
        }

    def loss(self, model: JanusTransformer, packed: Mapping[str, Any], step: Step) -> Loss:
        """Cross entropy of all words, and of the length of each sentence, summed and divided by the words."""
        plain = packed["streams"]
        streams = (SubsetRows if "seen" in plain else DecoderRows).of_plain(plain)
        words = max(streams.read["nar"].labels.numel(), 1)
        states = model(source_of(packed["source"]), streams)
        weights = Weights(nar=1, length=self.options.length * streams.sentences / words)
        total, terms = joint_loss(states, packed["lengths"], weights, step.smoothing)
        return Loss(total, words, terms)


def shown(target: Tensor, order: Tensor, share: Tensor, *, pad: int) -> DecoderRows:
    """The rows of targets [B, T], words … eos, right-padded, each of which is shown a random part of the others.

    share: [B, T] in [0, 1), of which a word is shown floor(share * n) of the n words of its sentence but itself, the
    first ones by order, [B, T] for the whole sentence or [B, T, T] for each word; and eos.
    """
    words = words_of(target, pad)
    known = (share * words.sum(1, keepdim=True)).long()
    owner = torch.arange(target.size(0))
    if order.dim() == 2:
        return pack_disentangled(target, order, known, owner, pad=pad)
    rows = pack_disentangled(target, torch.zeros_like(share), known, owner, pad=pad)
    itself = torch.eye(target.size(1), dtype=torch.bool)
    rank = order.masked_fill(~words[:, None] | itself, 2.0).argsort(2).argsort(2)
    # seen: [B, T, T] by places; a sentence's content is eos, then its words by place
    seen = (rank < known[..., None]) | (target.ne(pad) & ~words)[:, None]
    places = _content(torch.zeros_like(share), words, target.ne(pad))
    seen = seen.gather(2, places[:, None].expand_as(seen))
    return SubsetRows(**vars(rows), seen=seen[words])


def words_of(target: Tensor, pad: int) -> Tensor:
    """[B, T] boolean: the places of targets words … eos, right-padded, before that of eos."""
    return F.pad(target[:, 1:].ne(pad), (0, 1))


def pack_disentangled(target: Tensor, order: Tensor, known: Tensor, owner: Tensor, *, pad: int) -> DecoderRows:
    """The content and the queries of targets [B, T], words … eos, right-padded.

    The content of a sentence is eos, then its words by `order` [B, T]. Each word has a query, which sees eos and the
    first `known` [B, T] of the other words. owner: [B] the source sentence of each target. All queries are read, as
    `nar`.
    """
    present, words = target.ne(pad), words_of(target, pad)
    places = _content(order, words, present)
    # rank: [B, T] of a place in its content, 0 for eos; first: [B] the first content row
    rank = places.argsort(1)
    lengths = present.sum(1)
    first = lengths.cumsum(0) - lengths
    answering, asking = present.nonzero()[:, 0], words.nonzero()
    sentence = torch.cat([answering, asking[:, 0]])
    place = torch.cat([places[present], asking[:, 1]])
    content, rows = answering.numel(), torch.arange(sentence.numel(), device=target.device)
    # start, own, shown: [Q] the first row that a query may see, its own word's, and how many words it is shown
    start, own, shown = first[asking[:, 0]], rank[words], known[words]
    spans = torch.stack(
        [
            start,
            start + torch.minimum(own, shown + 1),
            torch.where(own <= shown, start + own + 1, 0),
            torch.where(own <= shown, start + shown + 2, 0),
        ],
        1,
    )
    return DecoderRows(
        token=target[sentence, place],
        position=place,
        kind=torch.where(rows < content, CONTENT, QUERY),
        place=place,
        sentence=sentence,
        source=owner[sentence],
        content=content,
        sentences=target.size(0),
        spans=torch.cat([spans.new_zeros(content, 4), spans]).int(),
        second_encoding=torch.ones_like(rows, dtype=torch.bool),
        read={"nar": Read(rows[content:], target[words])},
    )


def _content(order: Tensor, words: Tensor, present: Tensor) -> Tensor:
    """[B, T] places in the order of a sentence's content: eos, the words by `order` [B, T], padding."""
    keys = order.float().masked_fill(~words, -torch.inf).masked_fill(~present, torch.inf)
    return keys.argsort(dim=1, stable=True)


METHOD = Disco

"""DA-Transformer (Huang et al., 2022): a graph of words, whose paths are the translations.

The canvas has `factor` vertices for each source token. Every vertex predicts a word, and the probabilities of the steps
to later vertices; a target's probability is the sum over all paths that spell it (`kernels.dag`). Glancing shows gold
words at some vertices of the best path of a first pass, as many as the share of wrong ones, and makes these vertices
emit them. The numbers are those of the authors' code (thu-coai/DA-Transformer).

Axes: B sentences, T target places, P vertices, W the widest graph, D model, H heads, E = D / H.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from janus.methods.base.batch import Symbols, as_plain, pack_source, rows_of, source_of
from janus.methods.base.beside import BesideOptions, pack_beside, with_beside
from janus.methods.base.joint_loss import length_loss
from janus.methods.base.method import AR, Loss, Method, Step, Training, Use
from janus.methods.base.options import option
from janus.model.config import TransformerConfig
from janus.model.graph import WordGraph
from janus.model.layers import Positions
from janus.model.ragged import Ragged, Source
from janus.model.rows import DecoderRows, States
from janus.model.streams import pack_cells
from janus.model.transformer import Decoder, JanusTransformer, Memory
from kernels.dag import Graphs, best_alignment, dag_log_likelihood, force_emission
from kernels.label_scores import label_scores, label_sets
from kernels.rounded_linear import RoundedLinear
from kernels.top_words import top_words

# Of the states of the first pass: the rows that the second pass decodes.
Glance = Callable[["GraphStates"], DecoderRows]

# The authors' training of 300,000 updates takes 200,000 to reach the last share.
_GLANCED = 2 / 3
# Elements of link scores [B, H, W, W], and rows of vocabulary scores [P, V], that exist at a time.
_LINKS, _ROWS = 1 << 22, 1024
# A score that no softmax notices, and whose gradient is zero rather than NaN.
_NEVER = -1e9


@dataclass(frozen=True)
class DatOptions(BesideOptions):
    """The size of the graph, what glancing shows, and a stream beside it."""

    factor: float = option(8.0, "Vertices for each source token, bos not counted.", exclusiveMinimum=0)
    longest: int = option(1024, "Most vertices of a graph; the positions of the decoder.", minimum=2)
    glance_first: float = option(0.5, "Share of the distance that is shown at the first update.", minimum=0, maximum=1)
    glance_last: float = option(0.1, "Share after `glance_updates`.", minimum=0, maximum=1)
    glance_updates: int = option(
        0, "Updates until the last share; 0 stands for two thirds of the training's `max_update`.", minimum=0
    )
    force_emit: bool = option(
        True, "Make a shown vertex emit its word at no cost. The authors' code does so even if told not to."
    )
    length: float = option(
        0.0, "Weight of the cross entropy of the target length, which decoding does not use.", minimum=0
    )

    def share(self, update: int) -> float:
        """The share of the distance that is shown, after `update` updates; the 1 is in the authors' code."""
        if update >= self.glance_updates:
            return self.glance_last
        return self.glance_first + (self.glance_last - self.glance_first) * update / (self.glance_updates + 1)


@dataclass(frozen=True)
class DatConfig(TransformerConfig):
    """factor: vertices for each source token, bos not counted."""

    factor: float = 8.0


@dataclass(frozen=True)
class GraphStates(States):
    """States whose entry `vertices` are all vertices [P], and the links [P, W] between them.

    The labels of that entry are the numbers of the target tokens that vertices must emit, -1 where a vertex is free.
    """

    links: Tensor = torch.empty(0)

    @property
    def forced(self) -> Tensor:
        """[P] the target place whose token a vertex must emit, or -1."""
        return self.read["vertices"].labels


class DatDecoder(Decoder):
    """A decoder that also predicts the steps between its rows, under the names of its authors' parameters."""

    def __init__(self, config: TransformerConfig):
        super().__init__(config)
        size = config.dimension
        self.link_positional = Positions(config, config.target_positions)
        self.query_linear, self.key_linear = RoundedLinear(2 * size, size), RoundedLinear(2 * size, size)
        self.gate_linear = RoundedLinear(2 * size, config.decoder_heads)

    def links(self, hidden: Tensor, position: Tensor, layout: Ragged) -> Tensor:
        """Log-probabilities [P, W] of the steps between vertices, from hidden rows [P, D]; in float32 at least."""
        with torch.autocast(hidden.device.type, enabled=False):
            # rows: [P, 2 D], in the type of the weights
            positions = self.link_positional(position)
            rows = torch.cat([hidden.to(positions.dtype), positions], 1)
            q, k, gates = (linear(rows) for linear in (self.query_linear, self.key_linear, self.gate_linear))
            exact = torch.promote_types(q.dtype, torch.float32)
            return link_log_probs(q.to(exact), k.to(exact), gates.to(exact), layout, self.config.decoder_heads)


def link_log_probs(queries: Tensor, keys: Tensor, gates: Tensor, layout: Ragged, heads: int) -> Tensor:
    """log E [P, W] from queries and keys [P, D] and gates [P, H]: a mixture of softmaxes over the later vertices.

    A row sums to one, but for the last vertex of a graph, which has no step. Heads are never kept for the backward
    pass, which computes them again, a few sentences at a time.
    """
    # q, k: [B, H, W, E]; mix: [B, H, W]
    q, k = (layout.pad(x).unflatten(2, (heads, -1)).transpose(1, 2) for x in (queries, keys))
    mix = layout.pad(gates.log_softmax(1)).transpose(1, 2)
    vertex = torch.arange(layout.width, device=queries.device)
    # later: [B, W, W]
    later = (vertex > vertex[:, None]) & (vertex < layout.counts()[:, None, None])
    step = max(1, _LINKS // max(heads * layout.width**2, 1))
    parts = zip(*(x.split(step) for x in (q, k, mix, later)))
    return layout.unpad(torch.cat([_mixture(*part) for part in parts]))


def _mixture(q: Tensor, k: Tensor, mix: Tensor, later: Tensor) -> Tensor:
    """log E [B, W, W] of some sentences; q, k: [B, H, W, E], mix: [B, H, W], later: [B, W, W]."""

    def compute(q: Tensor, k: Tensor, mix: Tensor) -> Tensor:
        scores = (q @ k.transpose(2, 3) / math.sqrt(q.size(3))).masked_fill(~later[:, None], _NEVER)
        return (scores.log_softmax(3) + mix[..., None]).logsumexp(1)

    if torch.is_grad_enabled():
        links = checkpoint(compute, q, k, mix, use_reentrant=False, preserve_rng_state=False)
    else:
        links = compute(q, k, mix)
    return links.masked_fill(~later, -torch.inf)


class DatTransformer(JanusTransformer):
    """The Transformer of DA-Transformer."""

    decoder_class = DatDecoder
    config: DatConfig

    def decode(self, streams: DecoderRows, memory: Any, encoded: Tensor) -> GraphStates:
        """The states of all vertices, and the links between them."""
        states = super().decode(streams, memory, encoded)
        layout = Ragged(streams.sentence, streams.sentences)
        links = cast(DatDecoder, self.decoder).links(states.hidden["vertices"], streams.position, layout)
        return GraphStates(**vars(states), links=links)

    def forward(self, source: Source, streams: DecoderRows, glance: Glance | None = None) -> GraphStates:
        """The states of the rows, or of those that `glance` makes of a first pass with the same dropout."""
        return self.decode_glancing(streams, *self.encode(source), glance)

    def decode_glancing(
        self, streams: DecoderRows, memory: Memory, encoded: Tensor, glance: Glance | None
    ) -> GraphStates:
        """As `forward`, for a batch that is encoded already."""
        if glance is not None:
            # Its graph is dropped with it. Under no_grad other operators would run, which draw other dropout.
            with torch.random.fork_rng([streams.token.device.index] if streams.token.is_cuda else []):
                first = self.decode(streams, memory, encoded)
            streams = glance(first)
        return self.decode(streams, memory, encoded)

    @torch.no_grad()
    def graph(self, source: Source, words: int) -> WordGraph:
        """The graphs of a batch of sources, with the `words` most probable words of each vertex."""
        config = self.config
        vertices = graph_sizes(source, config.factor, config.bos, config.target_positions)
        streams = blank_rows(vertices, Symbols(config.bos, config.pad, config.eos, config.unk))
        states = self.decode(streams, *self.encode(source))
        found = [top_words(self.project(rows), words) for rows in states.hidden["vertices"].split(_ROWS)]
        scores, best = (torch.cat(parts) for parts in zip(*found))
        layout = Ragged(streams.sentence, streams.sentences)
        return WordGraph(layout, states.links, scores, best, config.factor)


def graph_sizes(source: Source, factor: float, bos: int, most: int) -> Tensor:
    """The vertices [B] of each graph: floor(factor * source tokens), from 2 to `most`; bos is not counted."""
    tokens = torch.zeros_like(source.layout.counts()).index_add(0, source.layout.group, source.token.ne(bos).long())
    return (tokens.double() * factor).long().clamp(2, most)


def blank_rows(vertices: Tensor, symbols: Symbols) -> DecoderRows:
    """The rows of graphs with `vertices` [B] vertices: bos, masks, eos. All are read, and none must emit a label."""
    place = torch.arange(int(vertices.max()), device=vertices.device)
    canvas = torch.where(place < vertices[:, None], symbols.mask, symbols.pad)
    canvas[:, 0] = symbols.bos
    canvas.scatter_(1, vertices[:, None] - 1, symbols.eos)
    owner = torch.arange(vertices.numel(), device=vertices.device)
    read = {"vertices": (canvas.ne(symbols.pad), torch.full_like(canvas, -1))}
    return pack_cells(canvas, owner, pad=symbols.pad, mask=symbols.mask, read=read)


class Dat(Method):
    """Training on the sum over all paths, and decoding by looking ahead."""

    Options = DatOptions
    options: DatOptions
    network = DatTransformer
    decoders = {"ar": AR, "nar": Use("dag_lookahead", {"passes": 1})}

    def configure(self, config: TransformerConfig) -> TransformerConfig:
        """The authors' model: gelu, and a length classifier only if the loss has a weight for it.

        Without one, nothing else of a checkpoint tells that its sources begin with bos.
        """
        length = config.length if self.options.length else "none"
        own = replace(
            config,
            activation="gelu",
            length=length,
            ar_readout="content",
            source_bos=True,
            target_positions=self.options.longest,
        )
        return DatConfig(**vars(own), factor=self.options.factor)

    def arguments(self, training: Training) -> list[str]:
        """As of every method; the share changes during two thirds of the training if nothing else is said."""
        updates = self.options.glance_updates or int(training.training["max_update"] * _GLANCED)
        return Method.arguments(Dat(replace(self.options, glance_updates=updates)), training)

    def pack(self, source: Tensor, target: Tensor, symbols: Symbols, generator: torch.Generator) -> dict[str, Any]:
        """The blank graph, the target, and the draw of each vertex, the largest of which are shown."""
        read = Source.of(source, symbols.pad)
        rows = blank_rows(graph_sizes(read, self.options.factor, symbols.bos, self.options.longest), symbols)
        return {
            "source": pack_source(source, symbols.pad),
            "target": target,
            "lengths": target.ne(symbols.pad).sum(1),
            "pad": symbols.pad,
            "streams": as_plain(rows),
            "draw": torch.randn(rows.content, generator=generator),
            **pack_beside(target, symbols, self.options),
        }

    def loss(self, model: JanusTransformer, packed: Mapping[str, Any], step: Step) -> Loss:
        """- log P(target) / its length, the mean over sentences, the length's loss, and that of a stream beside it.

        The graph has no label smoothing. A target that is longer than its graph has no path: it contributes zero and is
        counted in the term `too_long`.
        Validation shows nothing.
        """
        streams = rows_of(packed["streams"])
        target = Target.of(packed["target"], packed["lengths"], streams, packed["pad"])
        share = self.options.share(step.update)
        glance = partial(show, target, packed["draw"], share, streams) if step.training else None
        memory, encoded = model.encode(source_of(packed["source"]))
        states = cast(DatTransformer, model).decode_glancing(streams, memory, encoded, glance)
        match, _ = target.scores(states)
        if self.options.force_emit:
            match = force_emission(match, target.graphs, states.forced)
        graphs, lengths = target.graphs, packed["lengths"]
        too_long = lengths > graphs.vertices
        scores = dag_log_likelihood(match, states.links, graphs) / lengths
        total = -scores.masked_fill(too_long, 0).mean()
        shown = (states.forced >= 0).sum() / lengths.sum()
        terms = {"dag": total.detach(), "too_long": too_long.float().mean(), "shown": shown}
        if self.options.length:
            assert states.length is not None
            length = length_loss(states.length, lengths)
            total, terms["length"] = total + self.options.length * length, length.detach()
        total, terms = with_beside((total, terms), model, packed, memory, self.options, step.smoothing)
        return Loss(total, 1, terms)


@dataclass(frozen=True)
class Target:
    """The targets of a batch of graphs.

    tokens: [B, T], bos … eos. words: [B, K] the distinct tokens of each, columns: [B, T] the column of a token in it.
    """

    tokens: Tensor
    words: Tensor
    columns: Tensor
    graphs: Graphs

    @classmethod
    def of(cls, tokens: Tensor, lengths: Tensor, streams: DecoderRows, pad: int) -> Target:
        """Of tokens [B, T] with lengths [B], for the vertices of `streams`."""
        graphs = Graphs(Ragged(streams.sentence, streams.sentences).counts(), lengths)
        return cls(tokens, *label_sets(tokens, pad), graphs)

    def scores(self, states: GraphStates) -> tuple[Tensor, Tensor]:
        """The log-probability of each target token at each vertex [P, T], and the best word of a vertex [P]."""
        sentence = self.graphs.sentence
        found = label_scores(states.hidden["vertices"], states.vocabulary, sentence, self.words)
        return found.scores.gather(1, self.columns[sentence]), found.word


@torch.no_grad()
def show(target: Target, draw: Tensor, share: float, streams: DecoderRows, states: GraphStates) -> DecoderRows:
    """The rows with gold tokens at some vertices of the best path, which must emit them.

    The path assigns a token to as many vertices as the target is long. floor(share * wrong + 0.5) of a sentence's are
    shown, `wrong` being how many predict another word than theirs: those with the largest of `draw` [P].
    """
    match, word = target.scores(states)
    label, _ = best_alignment(match, states.links, target.graphs)
    assigned, sentence = label >= 0, streams.sentence
    gold = target.tokens[sentence, label.clamp(min=0)]
    same = torch.zeros(streams.sentences, device=draw.device).index_add(
        0, sentence, (assigned & (word == gold)).float()
    )
    number = ((target.graphs.labels - same) * share + 0.5).floor()
    layout = Ragged(sentence, streams.sentences)
    rank = layout.pad(draw.masked_fill(~assigned, -torch.inf), -torch.inf).argsort(1, descending=True).argsort(1)
    shown = assigned & (layout.unpad(rank) < number[sentence])
    forced = torch.where(shown, label, -1)
    read = {"vertices": replace(streams.read["vertices"], labels=forced)}
    return replace(streams, token=torch.where(shown, gold, streams.token), read=read)


METHOD = Dat

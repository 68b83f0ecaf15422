"""Vanilla non-autoregressive translation (Gu et al., 2018), without fertilities, as fairseq keeps it.

A blank canvas as long as the target is decoded in one pass, and every cell is learned, those of bos and eos too. The
numbers are those of fairseq's `nonautoregressive_transformer`. Options add what later work added to it: copies of the
source's word vectors, glancing, and predictions of every decoder layer (DSLP, Huang et al., 2022, whose numbers are
those of its authors' code). Axes: B sentences, T target places, P cells, R cells that are read, D model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor

from janus.errors import InputError
from janus.methods.base.batch import Symbols, rows_of, source_of
from janus.methods.base.canvas import CanvasMethod, CanvasOptions, blank_canvases, drawn, draws, with_given
from janus.methods.base.joint_loss import length_loss
from janus.methods.base.method import Loss, Step, Use
from janus.methods.base.options import option
from janus.model.canvas import CanvasConfig, LayerStates
from janus.model.config import TransformerConfig
from janus.model.rows import DecoderRows, Read
from janus.model.transformer import JanusTransformer
from kernels.joint_loss import joint_loss
from kernels.top_words import best_words

# The class of a target as long as its source, where differences are predicted.
_EQUAL = 128


@dataclass(frozen=True)
class NatOptions(CanvasOptions):
    """What the canvas holds, what of the length is predicted, and the weight of its loss."""

    copies: bool = option(
        False, "Cells begin with word vectors of the source, spread evenly, instead of the mask's (Gu et al., 2018)."
    )
    length: float = option(0.1, "Weight of the length loss.", minimum=0)
    length_of: Literal["target", "difference"] = option(
        "target", "What is predicted of the length; that of the target, or its difference to the source's, as in DSLP."
    )
    activation: Literal["relu", "gelu"] = option("relu", "Of the feed-forward layers; fairseq's, or DSLP's.")


class Nat(CanvasMethod):
    """Every cell of a blank canvas at once."""

    Options = NatOptions
    options: NatOptions
    decoders = {"nar": Use("one_pass", {"passes": 1})}

    def problems(self) -> Iterator[InputError]:
        """A shown cell holds the gold word, so it cannot begin as a copy."""
        yield from super().problems()
        if self.options.copies and self.options.glances:
            yield InputError("a canvas of copies shows no gold words", where="copies", fix="glance without copies")

    def configure(self, config: TransformerConfig) -> TransformerConfig:
        """The model computes what the options name."""
        options = self.options
        length = "offset" if options.length_of == "difference" and config.length != "none" else config.length
        config = replace(config, activation=options.activation, length=length)
        return CanvasConfig(**vars(config), copies=options.copies, layerwise=options.layerwise)

    def pack(self, source: Tensor, target: Tensor, symbols: Symbols, generator: torch.Generator) -> dict[str, Any]:
        """The blank canvas, its gold tokens, and the draws of what is shown of them."""
        return blank_canvases(source, target, symbols) | {"draws": draws(target.ne(symbols.pad), generator)}

    def loss(self, model: JanusTransformer, packed: Mapping[str, Any], step: Step) -> Loss:
        """Cross entropy of all layers that predict, and of the length. Validation shows no gold word."""
        options, streams, source = self.options, rows_of(packed["streams"]), source_of(packed["source"])
        mixed = packed["draws"]["mixed"] < (options.mixed if step.training else 0)
        glance = None
        if step.training and options.glances:
            glance = partial(look, streams, packed["draws"]["glance"], options.share(step.update), mixed)
        states = model(source, show(streams, torch.zeros_like(mixed), mixed), glance)
        total, terms = cells_loss(states, step.smoothing)
        if options.length:
            lengths = packed["lengths"]
            classes = lengths - source.layout.counts() + _EQUAL if options.length_of == "difference" else lengths
            length = length_loss(states.length, classes)
            total, terms["length"] = total + options.length * length, length.detach()
        return Loss(total, 1, terms)


def look(
    streams: DecoderRows, draw: Tensor, share: float, mixed: Tensor, hidden: Tensor, vocabulary: Tensor
) -> DecoderRows:
    """`show`, by the draws [P] and the hidden rows [P, D] of the first pass; vocabulary: [V, D]."""
    same = best_words(hidden, vocabulary) == streams.read["nar"].labels
    return show(streams, drawn(draw, share, same, streams), mixed)


def show(streams: DecoderRows, shown: Tensor, mixed: Tensor) -> DecoderRows:
    """The rows with gold tokens on the canvas where `shown` [P], and between the layers where `mixed` [P].

    The loss reads the others.
    """
    gold = streams.read["nar"].labels
    rows = (~(shown | mixed)).nonzero(as_tuple=True)[0]
    streams = replace(streams, token=torch.where(shown, gold, streams.token), read={"nar": Read(rows, gold[rows])})
    return with_given(streams, torch.where(mixed, gold, -1))


def cells_loss(states: LayerStates, smoothing: float) -> tuple[Tensor, dict[str, Tensor]]:
    """Smoothed cross entropy, the mean over the cells that are read and over layers, and the terms to log.

    The terms are this mean, and the unsmoothed mean of the last layer alone.
    """
    labels, layers = states.read["nar"].labels, len(states.layers)
    weights = torch.full_like(labels, 1 / max(labels.numel() * layers, 1), dtype=torch.float).repeat(layers)
    total, _, nll, _ = joint_loss(
        torch.cat(list(states.layers)), states.vocabulary, labels.repeat(layers), weights, 0, [], smoothing
    )
    last = nll[nll.numel() - labels.numel() :]
    return total, {"nar": total.detach(), "nar_nll": last.sum() / max(last.numel(), 1)}


METHOD = Nat

"""CTC translation (Libovický and Helcl, 2018): several cells for each source token, and no length to predict.

The probability of a target is that of all ways to write it into the cells, with repeats and blanks between its words.
The blank is unk, which also fills the canvas. With glancing, this is GLAT+CTC, and the numbers are those of GLAT's
code; with predictions of every layer, it is the CTC of DSLP, and they are those of its code, whose blank is a symbol of
its own. Axes: B sentences, T target places, P cells, L layers that predict, D model, V vocabulary, K labels of a
sentence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

import torch
from torch import Tensor

from janus.errors import InputError
from janus.methods.base.batch import Symbols, as_plain, pack_source, rows_of, source_of
from janus.methods.base.beside import BesideOptions, pack_beside, with_beside
from janus.methods.base.canvas import CanvasMethod, CanvasOptions, drawn, draws, with_given
from janus.methods.base.method import AR, Loss, Step, Use
from janus.methods.base.options import option
from janus.model.canvas import CanvasConfig, LayerStates
from janus.model.config import TransformerConfig
from janus.model.rows import DecoderRows
from janus.model.streams import blank_cells, pack_cells
from janus.model.transformer import JanusTransformer
from janus.model.two_passes import glanced
from kernels.ctc import best_alignment, ctc_loss
from kernels.label_scores import label_scores, label_sets


@dataclass(frozen=True)
class CtcOptions(BesideOptions, CanvasOptions):
    """The size of the canvas, how the loss is averaged, and a stream beside it."""

    factor: int = option(2, "Cells of the canvas for each source token, bos and eos counted.", minimum=1)
    average_over: Literal["cells", "sentences"] = option(
        "cells",
        "The loss per cell of the batch, mixed with the smoothing term, as in GLAT's code; or the mean over sentences "
        "of the loss per target word, to which the smoothing term is added, as in DSLP's.",
    )
    scale_words: bool = option(
        False, "Multiply word vectors by the root of the width, as DSLP's code does and GLAT's does not."
    )


@dataclass(frozen=True)
class Targets:
    """The targets of a batch on their own alphabets.

    labels: [B, K], the blank first. columns: [B, T] the column of each target word. lengths: [B].
    """

    labels: Tensor
    columns: Tensor
    lengths: Tensor

    @property
    def blank(self) -> Tensor:
        """[B] the blank, a column of every alphabet."""
        return self.labels[:, 0]

    def words(self, state: Tensor, sentence: Tensor) -> Tensor:
        """The word [P] of alignment states [P]: of a blank the next word, as GLAT's code has it; the last beyond it."""
        place = torch.minimum(state.clamp(min=0) // 2, self.lengths[sentence] - 1)
        return self.labels[sentence, self.columns[sentence, place]]


class Ctc(CanvasMethod):
    """All alignments of the target with a blank canvas."""

    Options = CtcOptions
    options: CtcOptions
    decoders = {"ar": AR, "nar": Use("ctc", {"passes": 1})}

    def problems(self) -> Iterator[InputError]:
        """Left-to-right decoding does not mix predictions into the layers."""
        yield from super().problems()
        if self.options.ar and self.options.layerwise:
            yield InputError("a stream beside predictions of every layer", where="ar", fix="set layerwise or ar alone")

    def configure(self, config: TransformerConfig) -> TransformerConfig:
        """gelu, no length classes, and a position for every cell of the longest source."""
        options = self.options
        positions = max(config.target_positions, options.factor * config.source_positions)
        config = replace(
            config,
            activation="gelu",
            length="none",
            ar_readout="content",
            scale_embedding=options.scale_words,
            target_positions=positions,
        )
        return CanvasConfig(**vars(config), factor=options.factor, layerwise=options.layerwise)

    def pack(self, source: Tensor, target: Tensor, symbols: Symbols, generator: torch.Generator) -> dict[str, Any]:
        """The blank canvas, the alphabet of each target, and the draws of what is shown."""
        lengths = (self.options.factor * source.ne(symbols.pad).sum(1)).clamp(min=2)
        canvas = blank_cells(lengths, bos=symbols.bos, pad=symbols.pad, eos=symbols.eos, mask=symbols.mask)
        present, owner = canvas.ne(symbols.pad), torch.arange(canvas.size(0))
        rows = pack_cells(canvas, owner, pad=symbols.pad, mask=symbols.mask, read={"cells": (present, canvas)})
        labels, columns = label_sets(target, symbols.pad, extra=(symbols.unk,))
        return {
            "source": pack_source(source, symbols.pad),
            "streams": as_plain(rows),
            "targets": as_plain(Targets(labels, columns, target.ne(symbols.pad).sum(1))),
            "draws": draws(present, generator),
            **pack_beside(target, symbols, self.options),
        }

    def loss(self, model: JanusTransformer, packed: Mapping[str, Any], step: Step) -> Loss:
        """CTC over all cells, shown or not, of all layers that predict. Validation shows no word."""
        options, targets = self.options, Targets(**packed["targets"])
        streams = rows_of(packed["streams"])

        def glance(hidden: Tensor, vocabulary: Tensor) -> DecoderRows:
            scores, _, word, _ = label_scores(hidden, vocabulary, streams.sentence, targets.labels)
            state = best_alignment(scores, streams.sentence, targets.columns, targets.lengths)
            shown = glanced_cells(streams, targets, state, word, packed["draws"]["glance"], options.share(step.update))
            return show(streams, targets, state, shown, packed["draws"]["mixed"] < options.mixed)

        aligns = step.training and (options.glances or options.mixed > 0)
        memory, encoded = model.encode(source_of(packed["source"]))
        streams = glanced(glance if aligns else None, model.decoder, streams, memory)
        states = cast(LayerStates, model.decode(streams, memory, encoded))
        losses = targets_loss(states, streams.sentence, targets, step.smoothing, options.average_over)
        total, terms = with_beside(losses, model, packed, memory, options, step.smoothing)
        return Loss(total, 1, terms)


def glanced_cells(
    streams: DecoderRows, targets: Targets, state: Tensor, predicted: Tensor, draw: Tensor, share: float
) -> Tensor:
    """[P] boolean, the cells to show, for the best alignment `state`, the predictions and the draws, [P] each.

    A cell is right if it predicts what it stands for in the alignment, a word or the blank. Where a target does not
    fit into its cells, nothing is shown.
    """
    stands_for = torch.where(state % 2 == 1, targets.words(state, streams.sentence), targets.blank[streams.sentence])
    return drawn(draw, share, predicted == stands_for, streams) & (state >= 0)


def show(streams: DecoderRows, targets: Targets, state: Tensor, shown: Tensor, mixed: Tensor) -> DecoderRows:
    """The rows with target words on the canvas where `shown` [P], and between the layers where `mixed` [P].

    On the canvas, a cell of a blank gets the next word, as in GLAT's code; between the layers the blank, as in DSLP's.
    """
    words, is_word = targets.words(state, streams.sentence), (state >= 0) & (state % 2 == 1)
    given = torch.where(is_word, words, targets.blank[streams.sentence])
    mixed = mixed & (state >= 0)
    return with_given(streams.with_tokens(torch.where(shown, words, streams.token)), torch.where(mixed, given, -1))


def targets_loss(
    states: LayerStates, sentence: Tensor, targets: Targets, smoothing: float, average_over: str
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss, a mean over layers, and the terms to log; sentence: [P].

    The terms are the loss of all targets per cell, and the share of targets that do not fit into their cells, whose
    loss is zero.
    """
    layers, sentences, cells = len(states.layers), targets.lengths.numel(), sentence.numel()
    hidden = torch.cat(list(states.layers))
    scores, mean, *_ = label_scores(hidden, states.vocabulary, sentence.repeat(layers), targets.labels)
    layer = torch.arange(layers, device=sentence.device).repeat_interleave(cells)
    lengths = targets.lengths.repeat(layers)
    # nll: [L B]
    nll = ctc_loss(scores, sentence.repeat(layers) + sentences * layer, targets.columns.repeat(layers, 1), lengths)
    per_cell = nll.sum() / (layers * cells)
    if average_over == "cells":
        total = (1 - smoothing) * per_cell - smoothing * mean.mean()
    else:
        total = (nll / lengths).mean() - smoothing * mean.mean()
    return total, {"ctc": per_cell.detach(), "unfit": nll.eq(0).float().mean()}


METHOD = Ctc

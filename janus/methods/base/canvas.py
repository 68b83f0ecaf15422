"""What methods share that read every cell of a canvas in one pass: what they glance at, and predictions of all layers.

Axes: B sentences, T target places, P cells, R cells that are read, D model.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from janus.errors import InputError
from janus.methods.base.batch import Symbols, as_plain, pack_source
from janus.methods.base.glancing import GlanceOptions, GlancingMethod
from janus.methods.base.options import option
from janus.model.canvas import CanvasTransformer, MixedRows
from janus.model.rows import DecoderRows
from janus.model.streams import pack_cells
from janus.noise.masks import maskable


@dataclass(frozen=True)
class CanvasOptions(GlanceOptions):
    """Glancing, and deep supervision with layer-wise predictions (DSLP)."""

    layerwise: bool = option(
        False, "Every decoder layer predicts the target, and the next layer reads its words (DSLP)."
    )
    mixed: float = option(
        0.0,
        "With `layerwise`, the share of cells at which the layers read the gold word instead; 0.3 in the paper.",
        minimum=0,
        maximum=1,
    )


class CanvasMethod(GlancingMethod):
    """A method on a canvas. Its first pass counts the wrong cells, and each is shown by a draw of its own."""

    options: CanvasOptions
    network = CanvasTransformer

    def problems(self) -> Iterator[InputError]:
        """Gold words are mixed into predictions."""
        if self.options.mixed and not self.options.layerwise:
            yield InputError("there are no predictions to mix with", where="mixed", fix="set layerwise, or mixed to 0")


def blank_canvases(source: Tensor, target: Tensor, symbols: Symbols) -> dict[str, Any]:
    """The source, the lengths of the targets [B, T], and the plain rows of blank canvases whose every cell is read."""
    canvas = target.masked_fill(maskable(target, pad=symbols.pad), symbols.mask)
    read = {"nar": (target.ne(symbols.pad), target)}
    rows = pack_cells(canvas, torch.arange(target.size(0)), pad=symbols.pad, mask=symbols.mask, read=read)
    return {
        "source": pack_source(source, symbols.pad),
        "lengths": target.ne(symbols.pad).sum(1),
        "streams": as_plain(rows),
    }


def draws(present: Tensor, generator: torch.Generator) -> dict[str, Any]:
    """Uniform numbers [P] for the cells of a canvas [B, T]: which are shown, and at which gold words are mixed in."""
    return {name: torch.rand(present.shape, generator=generator)[present] for name in ("glance", "mixed")}


def drawn(draw: Tensor, share: float, same: Tensor, streams: DecoderRows) -> Tensor:
    """[P] boolean, the cells to show: each with the probability share * (wrong cells) / (cells) of its sentence.

    draw: [P] uniform. same: [P] boolean, the cells that the first pass has right.
    """
    cells = torch.bincount(streams.sentence, minlength=streams.sentences)
    right = torch.zeros_like(cells).index_add(0, streams.sentence, same.long())
    return draw < (share * (cells - right) / cells)[streams.sentence]


def with_given(streams: DecoderRows, given: Tensor) -> MixedRows:
    """The rows, whose layers read the words `given` [P] where these are not -1."""
    return MixedRows(**vars(streams), given=given)

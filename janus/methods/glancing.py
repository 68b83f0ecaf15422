"""Joint training whose masks are found by glancing: JANUS with what GLAT shows instead of spans.

The model first predicts a fully masked target. Of its inner tokens, some are shown, in number a share of those that it
predicted wrongly; the others are the masks of the streams. Nobody has published this combination. Axes: B sentences, T
target places, P inner tokens of the batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from janus.methods.base.batch import Symbols, as_plain, pack_source, rows_of, source_of
from janus.methods.base.glancing import GlanceOptions, GlancingMethod, ranks, shown_cells
from janus.methods.base.method import Loss, Step
from janus.methods.base.options import option
from janus.methods.joint import StreamMethod, StreamOptions
from janus.model.streams import pack_canvas
from janus.model.transformer import JanusTransformer
from janus.noise.masks import maskable
from kernels.top_words import best_words


@dataclass(frozen=True)
class GlancingOptions(GlanceOptions, StreamOptions):
    """Those of the streams, and how much is shown."""

    glance_first: float = option(0.5, "Share of the distance that is shown at the first update.", minimum=0, maximum=1)
    glance_last: float = option(0.3, "Share after `glance_updates`.", minimum=0, maximum=1)


class Glancing(GlancingMethod, StreamMethod):
    """Joint training with glancing; validation shows nothing."""

    Options = GlancingOptions
    options: GlancingOptions

    def pack(self, source: Tensor, target: Tensor, symbols: Symbols, generator: torch.Generator) -> dict[str, Any]:
        """The blank canvas, and the rank of each inner token in the order in which tokens are shown."""
        inner = maskable(target, pad=symbols.pad)
        owner = torch.arange(target.size(0))
        canvas = pack_canvas(target.masked_fill(inner, symbols.mask), owner, pad=symbols.pad, mask=symbols.mask)
        return {
            "source": pack_source(source, symbols.pad),
            "lengths": target.ne(symbols.pad).sum(1),
            "target": target,
            "inner": inner,
            "canvas": as_plain(canvas),
            "rank": ranks(inner, generator),
            "symbols": as_plain(symbols),
        }

    def loss(self, model: JanusTransformer, packed: Mapping[str, Any], step: Step) -> Loss:
        """The weighted sum of equation 5 over the streams of the masks that a first pass leaves.

        The first pass has no gradient and, unlike GLAT's, its own dropout: its rows are others than those of the
        streams. Both read one encoding.
        """
        memory, encoded = model.encode(source_of(packed["source"]), model.config.encoder_passes)
        inner, target = packed["inner"], packed["target"]
        masked = inner
        if step.training:
            with torch.no_grad():
                states = model.decode(rows_of(packed["canvas"]), memory, encoded)
                predicted = best_words(states.hidden["nar"], states.vocabulary)
            sentence = inner.nonzero(as_tuple=True)[0]
            share = self.options.share(step.update)
            shown = shown_cells(packed["rank"], predicted.ne(target[inner]), sentence, target.size(0), share)
            masked = inner.masked_scatter(inner, ~shown)
        streams = rows_of(self.streams(target, masked, Symbols(**packed["symbols"])))
        return self.weighted(model.decode(streams, memory, encoded), packed["lengths"], step)


METHOD = Glancing

"""CMLM+Corr: joint training with the correction loss of CMLMC (Huang et al., 2022, its third change).

A share of the observed tokens is replaced by what the model itself predicts from a fully masked canvas, and predicted
again. Decoding accordingly predicts every cell anew in each pass. Axes: B sentences, T target places.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from janus.methods.base.batch import Symbols, as_plain, pack_source, rows_of, source_of
from janus.methods.base.joint_loss import CorrectionWeights
from janus.methods.base.method import AR, Loss, Step, Use
from janus.methods.base.options import option
from janus.methods.joint import JointOptions, StreamMethod
from janus.model.streams import pack_canvas
from janus.model.transformer import JanusTransformer
from janus.noise.masks import maskable


@dataclass(frozen=True)
class CorrectionOptions(JointOptions):
    """Those of joint training, the weight of the correction loss, and how much is replaced."""

    losses: CorrectionWeights = option(CorrectionWeights, "Weights of the loss terms, as in the method joint.")
    corruption: float = option(
        0.3, "Share of the observed tokens that the model's own predictions replace.", exclusiveMinimum=0, maximum=1
    )


class Correction(StreamMethod):
    """Joint training with corrections."""

    Options = CorrectionOptions
    options: CorrectionOptions
    decoders = {"ar": AR, "nar": Use("mask_predict", {"repredict": True})}

    def pack(self, source: Tensor, target: Tensor, symbols: Symbols, generator: torch.Generator) -> dict[str, Any]:
        """As joint training packs; and the drafts whose predictions replace the corrupted tokens."""
        masked = self.options.masking.draw(target, symbols, generator)
        inner = maskable(target, pad=symbols.pad)
        corrupted = inner & ~masked & (torch.rand(target.shape, generator=generator) < self.options.corruption)
        canvas = pack_canvas(
            target.masked_fill(inner, symbols.mask), torch.arange(target.size(0)), pad=symbols.pad, mask=symbols.mask
        )
        # rows: [B, T] the number of each inner cell among the predictions of the draft
        rows = (inner.flatten().cumsum(0) - 1).view_as(inner)
        return {
            "source": pack_source(source, symbols.pad),
            "lengths": target.ne(symbols.pad).sum(1),
            "draft": {"streams": as_plain(canvas), "predictions": rows[corrupted]},
            "streams": self.streams(target, masked, symbols, corrupted),
        }

    def loss(self, model: JanusTransformer, packed: Mapping[str, Any], step: Step) -> Loss:
        """The loss of joint training on rows whose corrupted tokens are the model's own predictions."""
        streams, draft = rows_of(packed["streams"]), packed["draft"]
        training = model.training
        with torch.no_grad():
            model.eval()
            states = model(source_of(packed["source"]), rows_of(draft["streams"]))
            # [R] the most probable token of every inner cell
            predicted = (states.hidden["nar"] @ states.vocabulary.T).argmax(-1)
            model.train(training)
        replaced = streams.token.index_copy(0, streams.read["corrected"].rows, predicted[draft["predictions"]])
        return super().loss(model, {**packed, "streams": as_plain(streams.with_tokens(replaced))}, step)


METHOD = Correction

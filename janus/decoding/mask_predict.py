"""Mask-predict with a length beam (Ghazvininejad et al., 2019; paper section 3.2, NAR).

Axes: B sentences, W length candidates of each, T canvas width. `passes` counts decoder calls; the paper's "Iter k" is
k + 1 passes, since the release's loop runs from 0 to k.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from janus.decoding.length_beam import (
    LengthBeam,
    best_candidates,
    blank_canvas,
    candidate_scores,
    length_candidates,
    length_log_probs,
)
from janus.errors import InputError
from janus.methods.base.decoder import Decoder, Hypothesis, Step
from janus.model.config import TransformerConfig
from janus.model.ragged import Source
from janus.model.streams import pack_canvas
from janus.model.transformer import JanusTransformer, Memory
from kernels.top_words import top_words


@dataclass(frozen=True)
class MaskPredictSettings(LengthBeam):
    """passes: decoder calls. repredict: predict every cell again in each pass (CMLMC).

    keep_frame: with `repredict`, do not predict a cell again in which the model wrote bos or eos, until it is masked
    again; the authors' code of CMLMC tells the cells of bos and eos by their symbols, this suite by their places.

    The others are those of the length beam. Raises InputError for a number below 1 and for an unknown name.
    """

    passes: int = 11
    repredict: bool = False
    keep_frame: bool = False

    def __post_init__(self) -> None:
        """Reject invalid settings."""
        super().__post_init__()
        if self.passes < 1:
            raise InputError(f"{self.passes} is too small", where="passes", fix="use 1 or more")


@torch.no_grad()
def mask_predict(
    model: JanusTransformer, source: Source, settings: MaskPredictSettings, *, steps: bool = False
) -> list[Hypothesis]:
    """The length candidate of each sentence that `settings.length_score` ranks first, with its `steps` if wanted."""
    memory, encoded = model.encode(source)
    lengths = length_candidates(model, encoded, source, settings)
    canvas = blank_canvas(lengths.flatten(), model)
    owner = torch.arange(lengths.size(0), device=canvas.device).repeat_interleave(lengths.size(1))
    scores = torch.zeros(canvas.shape, device=canvas.device)
    taken = []
    for done in range(settings.passes):
        before = canvas
        canvas, scores = fill(model, canvas, scores, owner, memory, settings.repredict, settings.keep_frame)
        if steps:
            taken.append(Step(canvas, scores, predicted_cells(before, model.config, settings)))
        if done + 1 < settings.passes:
            canvas, scores = remask(model, canvas, scores, 1 - (done + 1) / settings.passes)
    ranks = candidate_scores(scores.sum(1).view_as(lengths), lengths, settings.length_score)
    if settings.length_score == "average_and_length":
        ranks = ranks + length_log_probs(model, encoded, source, lengths)
    return best_candidates(canvas, scores, lengths, ranks, taken)


def fill(
    model: JanusTransformer,
    canvas: Tensor,
    scores: Tensor,
    owner: Tensor,
    memory: Memory,
    repredict: bool,
    keep_frame: bool = False,
) -> tuple[Tensor, Tensor]:
    """One decoder pass: put the most probable token in each masked cell (in every cell with `repredict`).

    keep_frame: see `MaskPredictSettings`.
    The padding symbol is never predicted: it is never a label in training, and it would change the length.
    """
    config = model.config
    streams = pack_canvas(canvas, owner, pad=config.pad, mask=config.mask, read_all=repredict)
    read = torch.cat([one.rows for one in streams.read.values()])
    if keep_frame:
        read = read[(streams.token[read] != config.bos) & (streams.token[read] != config.eos)]
    if not read.numel():
        return canvas, scores
    best, symbol = top_words(model.project(model.decoder(streams, memory, read)), 1, [config.pad])
    cell = (streams.sentence[read], streams.place[read])
    return canvas.index_put(cell, symbol[:, 0]), scores.index_put(cell, best[:, 0])


def remask(model: JanusTransformer, canvas: Tensor, scores: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """Mask the cells with the lowest scores again: floor(share * n) of the n cells between bos and eos."""
    config = model.config
    length = canvas.ne(config.pad).sum(1)
    inner = inner_cells(canvas, config.pad)
    count = ((length - 2).to(scores) * share).long()
    rank = scores.masked_fill(~inner, torch.inf).argsort(1).argsort(1)
    again = (rank < count[:, None]) & inner
    return canvas.masked_fill(again, config.mask), scores.masked_fill(again, 0.0)


def predicted_cells(canvas: Tensor, config: TransformerConfig, settings: MaskPredictSettings) -> Tensor:
    """[N, T] the cells that `fill` predicts."""
    if not settings.repredict:
        return canvas.eq(config.mask)
    inner = inner_cells(canvas, config.pad)
    return inner & canvas.ne(config.bos) & canvas.ne(config.eos) if settings.keep_frame else inner


def inner_cells(canvas: Tensor, pad: int) -> Tensor:
    """[N, T] the cells between bos and eos."""
    inner = torch.zeros_like(canvas, dtype=torch.bool)
    inner[:, 1:-1] = canvas[:, 2:].ne(pad)
    return inner


def _search(
    model: JanusTransformer, source: Source, settings: MaskPredictSettings, *, steps: bool = False
) -> list[list[Hypothesis]]:
    return [[hypothesis] for hypothesis in mask_predict(model, source, settings, steps=steps)]


DECODER = Decoder(
    "mask_predict", MaskPredictSettings, _search, partial(_search, steps=True), manner="nar", reads="masks"
)

"""Mask-predict with a length beam (Ghazvininejad et al., 2019; paper section 3.2, NAR).

Axes: B sentences, W length candidates of each, T canvas width. `passes` counts decoder calls; the paper's "Iter k" is
k + 1 passes, since the release's loop runs from 0 to k.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from janus.decoding.hypothesis import Hypothesis
from janus.model.transformer import JanusTransformer, Memory
from janus.ragged import Source
from janus.streams import pack_canvas


@dataclass(frozen=True)
class MaskPredictSettings:
    """passes: decoder calls. length_beam: candidate lengths. repredict: predict every cell anew in each pass (CMLMC).

    candidates: `around` takes the lengths next to the best one (the release: best - W // 2 and up), `top` the W most
    probable lengths (section 4.2, GLGE).
    """

    passes: int = 11
    length_beam: int = 3
    repredict: bool = False
    candidates: str = "around"


@torch.no_grad()
def mask_predict(model: JanusTransformer, source: Source, settings: MaskPredictSettings) -> list[Hypothesis]:
    """The best length candidate of each sentence by mean token log-probability, bos and eos (score 0) counted."""
    memory, encoded = model.encode(source)
    lengths = length_candidates(model, encoded, source, settings)
    canvas = blank_canvas(lengths.flatten(), model)
    owner = torch.arange(lengths.size(0), device=canvas.device).repeat_interleave(lengths.size(1))
    scores = torch.zeros(canvas.shape, device=canvas.device)
    for done in range(settings.passes):
        canvas, scores = fill(model, canvas, scores, owner, memory, settings.repredict)
        if done + 1 < settings.passes:
            canvas, scores = remask(model, canvas, scores, 1 - (done + 1) / settings.passes)
    return _best(canvas, scores, lengths, model.config.pad)


def length_candidates(
    model: JanusTransformer, encoded: Tensor, source: Source, settings: MaskPredictSettings
) -> Tensor:
    """Canvas lengths [B, W], bos and eos counted, never below 2 nor above what the model has positions for."""
    logits = model.decoder.forward_length(encoded, source.layout)
    if settings.candidates == "top":
        lengths = logits.topk(settings.length_beam, dim=1).indices
    else:
        best = logits.argmax(1, keepdim=True)
        steps = torch.arange(settings.length_beam, device=best.device) - settings.length_beam // 2
        lengths = _absolute(model, best, source).clamp(min=2) + steps
        return lengths.clamp(2, model.config.target_positions)
    return _absolute(model, lengths, source).clamp(2, model.config.target_positions)


def _absolute(model: JanusTransformer, classes: Tensor, source: Source) -> Tensor:
    """Lengths from classes [B, W]; fairseq's offset classes are centred at 128 around the source length."""
    if model.config.length == "absolute":
        return classes
    lengths = source.layout.counts()
    return classes - 128 + lengths[:, None]


def blank_canvas(lengths: Tensor, model: JanusTransformer) -> Tensor:
    """Fully masked canvases [N, T]: bos, masks, eos, padding."""
    config = model.config
    place = torch.arange(int(lengths.max()), device=lengths.device)
    canvas = torch.where(place < lengths[:, None], config.mask, config.pad)
    canvas[:, 0] = config.bos
    return canvas.scatter(1, lengths[:, None] - 1, config.eos)


def fill(
    model: JanusTransformer, canvas: Tensor, scores: Tensor, owner: Tensor, memory: Memory, repredict: bool
) -> tuple[Tensor, Tensor]:
    """One decoder pass: put the most probable token in each masked cell (in each cell where `repredict`).

    The padding symbol is never predicted: it is no label of any training step, and it would change the length.
    """
    config = model.config
    streams = pack_canvas(canvas, owner, pad=config.pad, mask=config.mask, read_all=repredict)
    read = torch.cat([streams.nar_rows, streams.corrected_rows])
    if not read.numel():
        return canvas, scores
    log_probs = torch.log_softmax(model.project(model.decoder(streams, memory, read)).float(), -1)
    log_probs[:, config.pad] = -torch.inf
    best, symbol = log_probs.max(-1)
    cell = (streams.sentence[read], streams.place[read])
    return canvas.index_put(cell, symbol), scores.index_put(cell, best)


def remask(model: JanusTransformer, canvas: Tensor, scores: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """Mask again the cells with the lowest scores: floor(share * n) of the n cells between bos and eos."""
    config = model.config
    length = canvas.ne(config.pad).sum(1)
    inner = torch.zeros_like(canvas, dtype=torch.bool)
    inner[:, 1:-1] = canvas[:, 2:].ne(config.pad)
    count = ((length - 2).to(scores) * share).long()
    rank = scores.masked_fill(~inner, torch.inf).argsort(1).argsort(1)
    again = (rank < count[:, None]) & inner
    return canvas.masked_fill(again, config.mask), scores.masked_fill(again, 0.0)


def _best(canvas: Tensor, scores: Tensor, lengths: Tensor, pad: int) -> list[Hypothesis]:
    sentences, beam = lengths.shape
    mean = (scores.sum(1) / canvas.ne(pad).sum(1)).view(sentences, beam)
    chosen = mean.argmax(1) + torch.arange(sentences, device=canvas.device) * beam
    return [
        Hypothesis(canvas[row, :length], scores[row, :length], float(mean.flatten()[row]))
        for row, length in zip(chosen.tolist(), lengths.flatten()[chosen].tolist())
    ]

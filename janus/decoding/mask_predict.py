"""Mask-predict with a length beam (Ghazvininejad et al., 2019; paper section 3.2, NAR).

Axes: B sentences, W length candidates of each, T canvas width. `passes` counts decoder calls; the paper's "Iter k" is
k + 1 passes, since the release's loop runs from 0 to k.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from janus.errors import InputError
from janus.methods.base.decoder import Decoder, Hypothesis
from janus.model.ragged import Source
from janus.model.streams import pack_canvas
from janus.model.transformer import JanusTransformer, Memory
from kernels.top_words import top_words

CANDIDATES = ("around", "top")
SCORES = ("default", "release", "average", "average_and_length")
# The ranking rule with which each choice of lengths was published.
_DEFAULT_SCORE = {"around": "release", "top": "average"}
_FRAME = 2


@dataclass(frozen=True)
class MaskPredictSettings:
    """passes: decoder calls. length_beam: candidate lengths. repredict: predict every cell again in each pass (CMLMC).

    length_candidates: `around` takes the lengths next to the best one (the release: best - W // 2 and up), `top` the W
    most probable lengths (section 4.2, GLGE).
    length_score: how the candidates of a sentence are ranked. `release` is the sum of the log-probabilities over all
    cells of the canvas, including bos and eos, which count as certain; `average` is the paper's highest average token
    probability (section 4.2), over the predicted tokens only; `average_and_length` adds the log-probability of the
    length; `default` is the rule with which the candidates were published, `release` for `around` and `average` for
    `top`.
    shortest: the least number of tokens between bos and eos; 0 is that of fairseq and the release, where an empty
    canvas has the best possible score. Averages are over at least one token.
    Raises InputError for a number below 1 and for an unknown name.
    """

    passes: int = 11
    length_beam: int = 3
    repredict: bool = False
    length_candidates: str = "around"
    length_score: str = "default"
    shortest: int = 1

    def __post_init__(self) -> None:
        """Reject invalid settings, and fill in the default score for the candidates."""
        for name, least in (("passes", 1), ("length_beam", 1), ("shortest", 0)):
            if getattr(self, name) < least:
                raise InputError(f"{getattr(self, name)} is too small", where=name, fix=f"use {least} or more")
        _one_of(self.length_candidates, CANDIDATES, "length_candidates")
        _one_of(self.length_score, SCORES, "length_score")
        if self.length_score == "default":
            object.__setattr__(self, "length_score", _DEFAULT_SCORE[self.length_candidates])

    @property
    def least_canvas(self) -> int:
        """The length of the shortest canvas, including bos and eos."""
        return _FRAME + max(self.shortest, 0 if self.length_score == "release" else 1)


def _one_of(value: str, names: tuple[str, ...], where: str) -> None:
    if value not in names:
        raise InputError(f"unknown value {value!r}", where=where, fix=f"use one of {', '.join(names)}")


@torch.no_grad()
def mask_predict(model: JanusTransformer, source: Source, settings: MaskPredictSettings) -> list[Hypothesis]:
    """The length candidate of each sentence that `settings.length_score` ranks first."""
    memory, encoded = model.encode(source)
    lengths = length_candidates(model, encoded, source, settings)
    canvas = blank_canvas(lengths.flatten(), model)
    owner = torch.arange(lengths.size(0), device=canvas.device).repeat_interleave(lengths.size(1))
    scores = torch.zeros(canvas.shape, device=canvas.device)
    for done in range(settings.passes):
        canvas, scores = fill(model, canvas, scores, owner, memory, settings.repredict)
        if done + 1 < settings.passes:
            canvas, scores = remask(model, canvas, scores, 1 - (done + 1) / settings.passes)
    ranks = candidate_scores(scores.sum(1).view_as(lengths), lengths, settings.length_score)
    if settings.length_score == "average_and_length":
        ranks = ranks + length_log_probs(model, encoded, source, lengths)
    return best_candidates(canvas, scores, lengths, ranks)


def length_candidates(
    model: JanusTransformer, encoded: Tensor, source: Source, settings: MaskPredictSettings
) -> Tensor:
    """Canvas lengths [B, W], including bos and eos, within the bounds of `settings` and the model's positions.

    Raises InputError if more candidates are requested than the model has length classes.
    """
    logits = model.decoder.forward_length(encoded, source.layout)
    if settings.length_beam > logits.size(1):
        raise InputError(
            f"{settings.length_beam} candidates, the model has {logits.size(1)} length classes",
            where="length_beam",
            fix="use fewer candidates",
        )
    least, most = settings.least_canvas, model.config.target_positions
    if settings.length_candidates == "top":
        known = _absolute(model, torch.arange(logits.size(1), device=logits.device).expand_as(logits), source)
        allowed = (known >= least) & (known <= most)
        classes = logits.masked_fill(~allowed, -torch.inf).topk(settings.length_beam, dim=1).indices
        return known.gather(1, classes).clamp(least, most)
    best = _absolute(model, logits.argmax(1, keepdim=True), source).clamp(min=least)
    steps = torch.arange(settings.length_beam, device=best.device) - settings.length_beam // 2
    return (best + steps).clamp(least, most)


def length_log_probs(model: JanusTransformer, encoded: Tensor, source: Source, lengths: Tensor) -> Tensor:
    """The log-probabilities [B, W] of canvas lengths; a length without a class takes the nearest one."""
    log_probs = torch.log_softmax(model.decoder.forward_length(encoded, source.layout).float(), 1)
    first = _absolute(model, torch.zeros_like(lengths[:, :1]), source)
    return log_probs.gather(1, (lengths - first).clamp(0, log_probs.size(1) - 1))


def candidate_scores(total: Tensor, lengths: Tensor, score: str) -> Tensor:
    """The `total` log-probabilities [B, W] of canvases, divided by the number of cells that `score` counts."""
    return total / (lengths if score == "release" else lengths - _FRAME)


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
    """One decoder pass: put the most probable token in each masked cell (in every cell with `repredict`).

    The padding symbol is never predicted: it is never a label in training, and it would change the length.
    """
    config = model.config
    streams = pack_canvas(canvas, owner, pad=config.pad, mask=config.mask, read_all=repredict)
    read = torch.cat([one.rows for one in streams.read.values()])
    if not read.numel():
        return canvas, scores
    best, symbol = top_words(model.project(model.decoder(streams, memory, read)), 1, [config.pad])
    cell = (streams.sentence[read], streams.place[read])
    return canvas.index_put(cell, symbol[:, 0]), scores.index_put(cell, best[:, 0])


def remask(model: JanusTransformer, canvas: Tensor, scores: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """Mask the cells with the lowest scores again: floor(share * n) of the n cells between bos and eos."""
    config = model.config
    length = canvas.ne(config.pad).sum(1)
    inner = torch.zeros_like(canvas, dtype=torch.bool)
    inner[:, 1:-1] = canvas[:, 2:].ne(config.pad)
    count = ((length - 2).to(scores) * share).long()
    rank = scores.masked_fill(~inner, torch.inf).argsort(1).argsort(1)
    again = (rank < count[:, None]) & inner
    return canvas.masked_fill(again, config.mask), scores.masked_fill(again, 0.0)


def best_candidates(canvas: Tensor, scores: Tensor, lengths: Tensor, ranks: Tensor) -> list[Hypothesis]:
    """The candidate with the highest of `ranks` [B, W], cut to its length."""
    chosen = ranks.argmax(1) + torch.arange(lengths.size(0), device=canvas.device) * lengths.size(1)
    return [
        Hypothesis(canvas[row, :length], scores[row, :length], float(ranks.flatten()[row]))
        for row, length in zip(chosen.tolist(), lengths.flatten()[chosen].tolist())
    ]


def _search(model: JanusTransformer, source: Source, settings: MaskPredictSettings) -> list[list[Hypothesis]]:
    return [[hypothesis] for hypothesis in mask_predict(model, source, settings)]


DECODER = Decoder("mask_predict", MaskPredictSettings, _search)

"""The lengths that a non-autoregressive decoder tries for each sentence, and the choice among the outputs.

Axes: B sentences, W length candidates of each, L length classes, T canvas width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from janus.errors import InputError
from janus.methods.base.decoder import Hypothesis, Step
from janus.model.ragged import Source
from janus.model.streams import blank_cells
from janus.model.transformer import JanusTransformer

CANDIDATES = ("around", "top")
SCORES = ("default", "release", "average", "average_and_length")
# The ranking rule with which each choice of lengths was published.
_DEFAULT_SCORE = {"around": "release", "top": "average"}
_FRAME = 2


@dataclass(frozen=True)
class LengthBeam:
    """length_beam: candidate lengths.

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

    length_beam: int = 3
    length_candidates: str = "around"
    length_score: str = "default"
    shortest: int = 1

    def __post_init__(self) -> None:
        """Reject invalid settings, and fill in the default score for the candidates."""
        for name, least in (("length_beam", 1), ("shortest", 0)):
            if getattr(self, name) < least:
                raise InputError(f"{getattr(self, name)} is too small", where=name, fix=f"use {least} or more")
        one_of(self.length_candidates, CANDIDATES, "length_candidates")
        one_of(self.length_score, SCORES, "length_score")
        if self.length_score == "default":
            object.__setattr__(self, "length_score", _DEFAULT_SCORE[self.length_candidates])

    @property
    def least_canvas(self) -> int:
        """The length of the shortest canvas, including bos and eos."""
        return _FRAME + max(self.shortest, 0 if self.length_score == "release" else 1)


def one_of(value: str, names: tuple[str, ...], where: str) -> None:
    """Raise InputError for a setting, called `where`, that is none of `names`."""
    if value not in names:
        raise InputError(f"unknown value {value!r}", where=where, fix=f"use one of {', '.join(names)}")


def length_candidates(model: JanusTransformer, encoded: Tensor, source: Source, settings: LengthBeam) -> Tensor:
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
    return blank_cells(lengths, bos=config.bos, pad=config.pad, eos=config.eos, mask=config.mask)


def best_candidates(
    canvas: Tensor, scores: Tensor, lengths: Tensor, ranks: Tensor, steps: Sequence[Step] = ()
) -> list[Hypothesis]:
    """The candidate with the highest of `ranks` [B, W], cut to its length; of equal ones the first.

    steps: of all canvases, [N, T] each; the hypotheses have their own.
    """
    return _hypotheses(ranks.argmax(1), canvas, scores, lengths, ranks, steps)


def ranked_candidates(canvas: Tensor, scores: Tensor, lengths: Tensor, ranks: Tensor) -> list[list[Hypothesis]]:
    """All candidates of each sentence by their `ranks` [B, W], best first, each cut to its length."""
    order = ranks.argsort(dim=1, descending=True, stable=True)
    columns = [_hypotheses(column, canvas, scores, lengths, ranks) for column in order.unbind(1)]
    return [list(hypotheses) for hypotheses in zip(*columns)]


def _hypotheses(
    column: Tensor, canvas: Tensor, scores: Tensor, lengths: Tensor, ranks: Tensor, steps: Sequence[Step] = ()
) -> list[Hypothesis]:
    """Candidate `column` [B] of each sentence."""
    chosen = column + torch.arange(lengths.size(0), device=canvas.device) * lengths.size(1)

    def own(row: int, length: int) -> tuple[Step, ...]:
        return tuple(
            Step(one.tokens[row, :length], one.token_scores[row, :length], one.written[row, :length]) for one in steps
        )

    return [
        Hypothesis(canvas[row, :length], scores[row, :length], float(ranks.flatten()[row]), steps=own(row, length))
        for row, length in zip(chosen.tolist(), lengths.flatten()[chosen].tolist())
    ]

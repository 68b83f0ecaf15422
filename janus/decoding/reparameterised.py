"""Denoising of a canvas in passes, as absorbing diffusion does it.

`reparameterised` (Zheng et al., 2023, RDM): each pass predicts every cell anew; the k cells with the lowest
log-probabilities are masked, the others show a token: their own, or where they were masked the predicted one. k falls
with the passes. `ancestral` (Sahoo et al., 2024, MDLM): each masked cell shows the predicted token with the
probability 1 / (passes left), whatever its log-probability, and keeps it.

Axes: B sentences, W length candidates of each, N = B * W canvases, T canvas width, R cells that are read, V vocabulary,
P passes.
"""

from __future__ import annotations

import math
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
    one_of,
)
from janus.errors import InputError
from janus.methods.base.decoder import Decoder, Hypothesis, Step
from janus.model.config import TransformerConfig
from janus.model.ragged import Source
from janus.model.streams import pack_canvas
from janus.model.transformer import JanusTransformer, Memory
from janus.noise.masks import batch_generator

SAMPLERS = ("reparameterised", "ancestral")
SCHEDULES = ("cosine", "linear")
ROUTINGS = ("uncond", "cond")


@dataclass(frozen=True)
class DenoisingSettings(LengthBeam):
    """passes: decoder calls. sampler: see above.

    schedule: the share of the cells that is masked after pass i of P; `linear` 1 - i/P, `cosine` cos(i/P * pi/2).
    routing: whether a cell that shows a token is masked again whenever it is among the k lowest (`uncond`), or only if
    the model also still predicts that token and with less confidence than it was shown with (`cond`).
    temperature: tokens are drawn from the distribution sharpened by it; 0 takes the most probable ones.
    noise: the scale of Gumbel noise on the log-probabilities that choose the k cells, times the share that is masked.
    seed: of all that is drawn; each sentence draws alike in every batch.
    The others are those of the length beam. Raises InputError for a number out of its range and for an unknown name.
    """

    passes: int = 10
    sampler: str = "reparameterised"
    schedule: str = "cosine"
    routing: str = "uncond"
    temperature: float = 0.0
    noise: float = 0.0
    seed: int = 1

    def __post_init__(self) -> None:
        """Reject invalid settings."""
        super().__post_init__()
        for name, least in (("passes", 1), ("temperature", 0), ("noise", 0), ("seed", 0)):
            if not getattr(self, name) >= least:
                raise InputError(f"{getattr(self, name)} is too small", where=name, fix=f"use {least} or more")
        for name, names in (("sampler", SAMPLERS), ("schedule", SCHEDULES), ("routing", ROUTINGS)):
            one_of(getattr(self, name), names, name)

    @property
    def draws(self) -> bool:
        """Whether anything is drawn."""
        return bool(self.temperature or self.noise or self.sampler == "ancestral")

    def share(self, done: int) -> float:
        """The share of the cells that is masked after `done` passes."""
        part = done / self.passes
        return 1 - part if self.schedule == "linear" else math.cos(part * math.pi / 2) * (part < 1)


@dataclass(frozen=True)
class Canvas:
    """Canvases in the course of denoising.

    token, score: [N, T], the log-probability with which a token was shown. inner: [N, T] cells between bos and eos.
    masked: [N, T] cells that show no token.
    """

    token: Tensor
    score: Tensor
    inner: Tensor
    masked: Tensor

    @classmethod
    def blank(cls, lengths: Tensor, model: JanusTransformer) -> Canvas:
        """Canvases of these lengths [N] with nothing shown."""
        token = blank_canvas(lengths, model)
        inner = token.eq(model.config.mask)
        return cls(token, torch.zeros(token.shape, device=token.device), inner, inner)

    def filled(self, token: Tensor, score: Tensor) -> Step:
        """These canvases with what a pass says of the masked cells, `token` and `score` [N, T]."""
        return Step(
            torch.where(self.masked, token, self.token), torch.where(self.masked, score, self.score), self.masked
        )

    def shown(self, token: Tensor, score: Tensor, masked: Tensor, mask: int) -> Canvas:
        """After a pass: newly shown cells take `token` and `score` [N, T], `masked` [N, T] cells show nothing."""
        new = self.masked & ~masked
        token = torch.where(new, token, self.token).masked_fill(masked, mask)
        score = torch.where(new, score, self.score).masked_fill(masked, 0.0)
        return Canvas(token, score, self.inner, masked)


@torch.no_grad()
def denoise(
    model: JanusTransformer, source: Source, settings: DenoisingSettings, *, steps: bool = False
) -> list[Hypothesis]:
    """The length candidate of each sentence that `settings.length_score` ranks first, with its `steps` if wanted."""
    memory, encoded = model.encode(source)
    lengths = length_candidates(model, encoded, source, settings)
    canvas = Canvas.blank(lengths.flatten(), model)
    owner = torch.arange(lengths.size(0), device=lengths.device).repeat_interleave(lengths.size(1))
    uniform = uniforms(source, lengths, settings) if settings.draws else None
    taken = []
    for done in range(settings.passes):
        drawn = None if uniform is None else uniform[done]
        token, score = predict(model, canvas, owner, memory, settings.temperature, drawn)
        masked = route(canvas, token, score, settings, done, drawn)
        if steps:
            taken.append(canvas.filled(token, score))
        canvas = canvas.shown(token, score, masked, model.config.mask)
    ranks = candidate_scores(canvas.score.sum(1).view_as(lengths), lengths, settings.length_score)
    if settings.length_score == "average_and_length":
        ranks = ranks + length_log_probs(model, encoded, source, lengths)
    return best_candidates(canvas.token, canvas.score, lengths, ranks, taken)


def predict(
    model: JanusTransformer, canvas: Canvas, owner: Tensor, memory: Memory, temperature: float, uniform: Tensor | None
) -> tuple[Tensor, Tensor]:
    """One decoder pass: a token and its log-probability [N, T] at each cell between bos and eos, shown or not.

    Padding and the mask symbol have no probability. uniform: [2, N, T] in [0, 1), of which the first draws tokens.
    """
    config = model.config
    rows = pack_canvas(canvas.token, owner, pad=config.pad, mask=config.mask, read_all=True)
    read = torch.cat([one.rows for one in rows.read.values()])
    cell = (rows.sentence[read], rows.place[read])
    # log_probs: [R, V]
    log_probs = log_probabilities(model.project(model.decoder(rows, memory, read)), config)
    if temperature:
        assert uniform is not None
        symbol = draw(log_probs / temperature, uniform[0][cell])
    else:
        symbol = log_probs.argmax(-1)
    best = log_probs.gather(1, symbol[:, None])[:, 0]
    return canvas.token.index_put(cell, symbol), canvas.score.index_put(cell, best)


def log_probabilities(logits: Tensor, config: TransformerConfig) -> Tensor:
    """Log-probabilities [R, V] of what a cell can show."""
    logits = logits.float()
    logits[:, [config.pad, config.mask]] = -torch.inf
    return torch.log_softmax(logits, -1)


def draw(logits: Tensor, uniform: Tensor) -> Tensor:
    """Words [R] from logits [R, V] by inverting the distribution function at `uniform` [R]."""
    sums = logits.double().softmax(-1).cumsum(-1)
    # A word without probability is passed over, since the sum does not grow there.
    return torch.searchsorted(sums, uniform.double()[:, None] * sums[:, -1:], right=True)[:, 0]


def route(
    canvas: Canvas, token: Tensor, score: Tensor, settings: DenoisingSettings, done: int, uniform: Tensor | None
) -> Tensor:
    """The cells [N, T] that are masked after pass `done`, from 0.

    token, score: [N, T] the predictions. uniform: [2, N, T] in [0, 1), of which the second chooses cells.
    """
    if settings.sampler == "ancestral":
        assert uniform is not None
        return canvas.masked & (uniform[1] >= 1 / (settings.passes - done))
    share = settings.share(done + 1)
    if settings.noise:
        assert uniform is not None
        gumbel = -torch.log(-torch.log(uniform[1].clamp(1e-8, 1 - 1e-7)))
        score_of_cells = score + settings.noise * share * gumbel
    else:
        score_of_cells = score
    count = (canvas.inner.sum(1, keepdim=True) * share).long()
    rank = score_of_cells.masked_fill(~canvas.inner, torch.inf).argsort(dim=1, stable=True).argsort(dim=1)
    lowest = (rank < count) & canvas.inner
    if settings.routing == "uncond":
        return lowest
    doubted = token.eq(canvas.token) & (score < canvas.score)
    return lowest & (canvas.masked | doubted)


def uniforms(source: Source, lengths: Tensor, settings: DenoisingSettings) -> Tensor:
    """Numbers in [0, 1), [P, 2, N, T], that depend on a sentence, its candidate lengths [B, W] and the seed alone."""
    sentences = source.token.split(source.layout.counts().tolist())
    found = torch.zeros(settings.passes, 2, lengths.numel(), int(lengths.max()))
    rows = iter(range(lengths.numel()))
    for sentence, own in zip(sentences, lengths.tolist()):
        generator = batch_generator(settings.seed, *sentence.tolist())
        for length in own:
            found[:, :, next(rows), :length] = torch.rand(settings.passes, 2, length, generator=generator)
    return found.to(lengths.device)


def _search(
    model: JanusTransformer, source: Source, settings: DenoisingSettings, *, steps: bool = False
) -> list[list[Hypothesis]]:
    return [[hypothesis] for hypothesis in denoise(model, source, settings, steps=steps)]


DECODER = Decoder(
    "reparameterised", DenoisingSettings, _search, partial(_search, steps=True), manner="nar", reads="masks"
)

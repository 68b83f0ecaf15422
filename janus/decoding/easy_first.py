"""Parallel easy-first decoding of a disentangled model (Kasai et al., 2020), and its mask-predict.

All words are predicted in each pass. After the first, each is shown the words of the pass before in which that pass
was surer than in its own, in an order that stays. A sentence is done when a pass repeats the words of the pass before.
Axes: B sentences, W length candidates of each, N canvases, T canvas width.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from janus.decoding.length_beam import best_candidates
from janus.errors import InputError
from janus.methods.base.decoder import Decoder, Hypothesis, Step
from janus.methods.disco import pack_disentangled, words_of
from janus.model.ragged import Source
from janus.model.transformer import JanusTransformer, Memory
from kernels.top_words import top_words

STRATEGIES = ("easy_first", "mask_predict")
_SHORTEST = 2


@dataclass(frozen=True)
class EasyFirstSettings:
    """passes: decoder calls at most. length_beam: the most probable lengths, each of which is decoded.

    strategy: `easy_first`, or `mask_predict`, which makes all passes, predicts the least sure words anew, and shows
    them the others. Raises InputError for a number below 1 and for an unknown strategy.
    """

    passes: int = 10
    length_beam: int = 5
    strategy: str = "easy_first"

    def __post_init__(self) -> None:
        """Reject invalid settings."""
        for name in ("passes", "length_beam"):
            if getattr(self, name) < 1:
                raise InputError(f"{getattr(self, name)} is too small", where=name, fix="use 1 or more")
        if self.strategy not in STRATEGIES:
            raise InputError(
                f"unknown value {self.strategy!r}", where="strategy", fix=f"use one of {', '.join(STRATEGIES)}"
            )


@dataclass(frozen=True)
class Canvases:
    """tokens: [N, T] words … eos, right-padded. scores: [N, T] log-probabilities, 0 but at words. owner: [N]."""

    tokens: Tensor
    scores: Tensor
    owner: Tensor

    def select(self, chosen: Tensor) -> Canvases:
        """The canvases `chosen`, an index or a boolean for each."""
        return Canvases(self.tokens[chosen], self.scores[chosen], self.owner[chosen])

    def step(self, written: Tensor) -> Step:
        """The pass that wrote the cells `written` [N, T] of these canvases."""
        return Step(self.tokens, self.scores, written)

    def put(self, chosen: Tensor, others: Canvases) -> Canvases:
        """These canvases with `others` in the places of those `chosen`."""
        tokens, scores = self.tokens.clone(), self.scores.clone()
        tokens[chosen], scores[chosen] = others.tokens, others.scores
        return replace(self, tokens=tokens, scores=scores)


@torch.no_grad()
def search(
    model: JanusTransformer, source: Source, settings: EasyFirstSettings, *, steps: bool = False
) -> list[list[Hypothesis]]:
    """The best length candidate of each sentence, without bos, and the passes that the sentence took.

    Its `steps` as well, if wanted.
    """
    memory, encoded = model.encode(source)
    lengths = probable_lengths(model, encoded, source, settings.length_beam)
    canvases = blank(model, lengths)
    nothing = torch.zeros_like(canvases.tokens)
    canvases = predict(model, memory, canvases, nothing, nothing)
    refine = easy_first if settings.strategy == "easy_first" else mask_predict
    every = words_of(canvases.tokens, model.config.pad)
    record = [canvases.step(every)] if steps else None
    canvases, passes = refine(model, memory, canvases, lengths, settings.passes, record)
    ranks = canvases.scores.sum(1).view_as(lengths) / lengths
    best = best_candidates(canvases.tokens, canvases.scores, lengths, ranks, record or ())
    return [
        [replace(hypothesis, passes=count, steps=hypothesis.steps[:count])]
        for hypothesis, count in zip(best, passes.tolist())
    ]


def easy_first(
    model: JanusTransformer,
    memory: Memory,
    canvases: Canvases,
    lengths: Tensor,
    passes: int,
    record: list[Step] | None = None,
) -> tuple[Canvases, Tensor]:
    """The canvases after up to `passes` passes, the first of which is done, and the passes [B] of each sentence.

    A sentence is done when the candidate with the highest mean log-probability repeats its words. record: to which the
    passes are added.
    """
    order = -canvases.scores
    known = ranks(order, words_of(canvases.tokens, model.config.pad))
    beam, active = lengths.size(1), torch.ones_like(lengths[:, 0], dtype=torch.bool)
    taken = torch.full_like(lengths[:, 0], passes)
    for done in range(2, passes + 1):
        chosen = active.repeat_interleave(beam)
        before = canvases.select(chosen)
        after = predict(model, memory, before, order[chosen], known[chosen])
        canvases = canvases.put(chosen, after)
        if record is not None:
            record.append(canvases.step(words_of(canvases.tokens, model.config.pad)))
        best = (after.scores.sum(1).view(-1, beam) / (lengths[active] - 1)).argmax(1, keepdim=True)
        same = after.tokens.eq(before.tokens).all(1).view(-1, beam).gather(1, best)[:, 0]
        converged = active.masked_scatter(active, same)
        taken = taken.masked_fill(converged, done)
        active = active & ~converged
        if not active.any():
            break
    return canvases, taken


def mask_predict(
    model: JanusTransformer,
    memory: Memory,
    canvases: Canvases,
    lengths: Tensor,
    passes: int,
    record: list[Step] | None = None,
) -> tuple[Canvases, Tensor]:
    """The canvases after `passes` passes, the first of which is done, and the passes [B] of each sentence.

    record: to which the passes are added.
    """
    words = words_of(canvases.tokens, model.config.pad)
    total = words.sum(1)
    for done in range(1, passes):
        # The product is in float32, as in the authors' code.
        count = (total.float() * (1 - done / passes)).long().clamp(min=1)
        masked = (ranks(canvases.scores, words) < count[:, None]) & words
        known = (total - count)[:, None].expand_as(masked)
        after = predict(model, memory, canvases, masked, known)
        tokens = torch.where(masked, after.tokens, canvases.tokens)
        canvases = replace(after, tokens=tokens, scores=torch.where(masked, after.scores, canvases.scores))
        if record is not None:
            record.append(canvases.step(masked))
    return canvases, torch.full_like(lengths[:, 0], passes)


def predict(model: JanusTransformer, memory: Memory, canvases: Canvases, order: Tensor, known: Tensor) -> Canvases:
    """One pass: the most probable word of every cell, shown the first `known` [N, T] others by `order` [N, T].

    The padding symbol is never predicted: it would change the length.
    """
    pad = model.config.pad
    rows = pack_disentangled(canvases.tokens, order, known, canvases.owner, pad=pad)
    read = rows.read["nar"].rows
    best, symbol = top_words(model.project(model.decoder(rows, memory, read)), 1, [pad])
    cells = words_of(canvases.tokens, pad)
    tokens = canvases.tokens.masked_scatter(cells, symbol[:, 0])
    scores = canvases.scores.masked_scatter(cells, best[:, 0].to(canvases.scores))
    return replace(canvases, tokens=tokens, scores=scores)


def probable_lengths(model: JanusTransformer, encoded: Tensor, source: Source, beam: int) -> Tensor:
    """The most probable lengths [B, W], eos counted, each with at least one word and within the model's positions.

    Raises InputError if more candidates are requested than the model has lengths.
    """
    scores = model.decoder.forward_length(encoded, source.layout)
    if beam >= scores.size(1):
        raise InputError(
            f"{beam} candidates, the model has {scores.size(1) - 1} lengths",
            where="length_beam",
            fix="use fewer candidates",
        )
    return scores.topk(beam, dim=1).indices.clamp(_SHORTEST, model.config.target_positions)


def blank(model: JanusTransformer, lengths: Tensor) -> Canvases:
    """A canvas for each of the lengths [B, W], all masked."""
    config, each = model.config, lengths.flatten()
    place = torch.arange(int(each.max()), device=each.device)
    tokens = torch.where(place < each[:, None] - 1, config.mask, config.pad)
    tokens = tokens.masked_fill(place == each[:, None] - 1, config.eos)
    owner = torch.arange(lengths.size(0), device=each.device).repeat_interleave(lengths.size(1))
    return Canvases(tokens, torch.zeros(tokens.shape, device=each.device), owner)


def ranks(keys: Tensor, words: Tensor) -> Tensor:
    """[N, T] the number of words of the same canvas with smaller keys [N, T], or equal keys and a smaller place."""
    return keys.float().masked_fill(~words, torch.inf).argsort(dim=1, stable=True).argsort(1)


DECODER = Decoder(
    "easy_first",
    EasyFirstSettings,
    search,
    partial(search, steps=True),
    manner="nar",
    reads="words that do not see themselves",
)

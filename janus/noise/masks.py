"""The target tokens that a training step masks (paper section 3.2; the authors' release; CMLM).

Masks are drawn for a whole batch at once, [B, T] boolean, from a generator that the caller seeds. The same seed always
gives the same masks, so a resumed run equals an uninterrupted one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch
from torch import Tensor


def batch_generator(*parts: int) -> torch.Generator:
    """A CPU generator seeded by integers such as (seed, epoch, batch); any change gives an unrelated stream."""
    digest = hashlib.blake2b(",".join(map(str, parts)).encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "little") >> 1)


def maskable(target: Tensor, *, pad: int) -> Tensor:
    """[B, T] boolean: the places strictly between bos and eos of target [B, T], right-padded."""
    inner = torch.zeros_like(target, dtype=torch.bool)
    inner[:, 1:-1] = target[:, 2:].ne(pad)
    return inner


@dataclass(frozen=True)
class Spans:
    """Spans of each sentence, [B, K] each: where they start, how many tokens they cover, whether they were drawn."""

    starts: Tensor
    lengths: Tensor
    drawn: Tensor

    def covered(self, width: int, chosen: Tensor | None = None) -> Tensor:
        """[B, width] boolean: the places inside a drawn span; only those `chosen` [B, K] if given."""
        counts = self.drawn if chosen is None else self.drawn & chosen
        counts = (counts & (self.lengths > 0)).long()
        edges = torch.zeros(self.starts.size(0), 2 * width + 1, dtype=torch.long)
        edges.scatter_add_(1, self.starts, counts)
        edges.scatter_add_(1, (self.starts + self.lengths).clamp(max=2 * width), -counts)
        return edges.cumsum(1)[:, :width] > 0


def draw_spans(target: Tensor, *, pad: int, budget: float, poisson: float, generator: torch.Generator) -> Spans:
    """Spans for targets [B, T] bos … eos, right-padded, as the authors' release draws them.

    Lengths are drawn until they fill ceil(budget * n), n counting bos and eos, and the last is trimmed to fit.
    Starts are distinct random places; spans may overlap, be empty, and cover bos or eos; one that would run past the
    end covers one token.
    """
    width = target.size(1)
    length = target.ne(pad).sum(1)
    goal = torch.ceil(budget * length.double()).long()
    spans, needed = _span_lengths(goal, poisson, generator)

    start_keys = torch.rand(target.shape, generator=generator).masked_fill_(target.eq(pad), 2.0)
    starts = start_keys.argsort(1)
    drawn = min(spans.size(1), width)
    spans, starts = spans[:, :drawn], starts[:, :drawn]
    overruns = starts + spans > length[:, None]
    real = needed[:, :drawn] & (torch.arange(drawn) < length[:, None])
    return Spans(starts, torch.where(overruns, spans.clamp(max=1), spans), real)


def span_mask(target: Tensor, *, pad: int, budget: float, poisson: float, generator: torch.Generator) -> Tensor:
    """Span masking as the authors' release does it (section 3.2 names only Poisson spans, lambda = 2).

    bos and eos are never hidden, so with overlaps about 0.56 of the tokens are hidden at a budget of 0.7.
    """
    spans = draw_spans(target, pad=pad, budget=budget, poisson=poisson, generator=generator)
    return spans.covered(target.size(1)) & maskable(target, pad=pad)


def uniform_mask(target: Tensor, *, pad: int, generator: torch.Generator) -> Tensor:
    """CMLM's masking (Ghazvininejad et al., 2019): a count uniform in 1 … n, then that many random places."""
    places = maskable(target, pad=pad)
    count = places.sum(1)
    hidden = (torch.rand(target.size(0), generator=generator) * count).floor().long() + 1
    keys = torch.rand(target.shape, generator=generator).masked_fill_(~places, 2.0)
    rank = keys.argsort(1).argsort(1)
    return (rank < hidden[:, None]) & places


def _span_lengths(goal: Tensor, poisson: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """[B, K] span lengths per sentence that sum exactly to goal [B], and whether a span was needed for that."""
    weights = _poisson_table(poisson)
    spans = torch.zeros(goal.numel(), 0, dtype=torch.long)
    while not bool((spans.sum(1) >= goal).all()):
        more = torch.multinomial(weights, goal.numel() * (int(goal.max()) + 8), replacement=True, generator=generator)
        spans = torch.cat([spans, more.view(goal.numel(), -1)], 1)
    before = spans.cumsum(1) - spans
    left = goal[:, None] - before
    return torch.minimum(spans, left.clamp(min=0)), left > 0


def _poisson_table(mean: float) -> Tensor:
    """Probabilities of the lengths 0, 1, … up to and including the first one above the mean that is below 1e-7.

    The tables of the release (15 entries at mean 2) and of fairseq's BART noise end there as well.
    """
    table = [float(torch.exp(torch.tensor(-mean, dtype=torch.float64)))]
    while table[-1] >= 1e-7 or len(table) - 1 <= mean:
        table.append(table[-1] * mean / len(table))
    return torch.tensor(table, dtype=torch.float64)

"""Which target tokens a training step hides (paper section 3.2; the authors' release; CMLM).

Masks are drawn for a whole batch at once, [B, T] boolean, from a generator the caller seeds: the same seed gives the
same masks whatever ran before, so a resumed run equals an unbroken one.
"""

from __future__ import annotations

import hashlib

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


def span_mask(target: Tensor, *, pad: int, budget: float, poisson: float, generator: torch.Generator) -> Tensor:
    """Span masking as the authors' release does it (section 3.2 names only Poisson spans, lambda = 2).

    Span lengths are drawn until they fill ceil(budget * n), n counting bos and eos, and the last is trimmed to fit.
    Starts are distinct random places; spans may overlap; an empty span hides nothing; a span that would run past the
    end hides one token. bos and eos are never hidden, so about 0.56 of the tokens are hidden at a budget of 0.7.
    """
    sentences, width = target.shape
    length = target.ne(pad).sum(1)
    goal = torch.ceil(budget * length.double()).long()
    spans = _span_lengths(goal, poisson, generator)

    start_keys = torch.rand(sentences, width, generator=generator).masked_fill_(target.eq(pad), 2.0)
    starts = start_keys.argsort(1)
    drawn = min(spans.size(1), width)
    spans, starts = spans[:, :drawn], starts[:, :drawn]
    real_start = torch.arange(drawn) < length[:, None]
    overruns = starts + spans > length[:, None]
    spans = torch.where(overruns, spans.clamp(max=1), spans) * real_start

    edges = torch.zeros(sentences, 2 * width + 1, dtype=torch.long)
    edges.scatter_add_(1, starts, (spans > 0).long())
    edges.scatter_add_(1, (starts + spans).clamp(max=2 * width), -(spans > 0).long())
    return (edges.cumsum(1)[:, :width] > 0) & maskable(target, pad=pad)


def uniform_mask(target: Tensor, *, pad: int, generator: torch.Generator) -> Tensor:
    """CMLM's masking (Ghazvininejad et al., 2019): a count uniform in 1 … n, then that many random places."""
    places = maskable(target, pad=pad)
    count = places.sum(1)
    hidden = (torch.rand(target.size(0), generator=generator) * count).floor().long() + 1
    keys = torch.rand(target.shape, generator=generator).masked_fill_(~places, 2.0)
    rank = keys.argsort(1).argsort(1)
    return (rank < hidden[:, None]) & places


def _span_lengths(goal: Tensor, poisson: float, generator: torch.Generator) -> Tensor:
    """[B, K] span lengths per sentence that sum exactly to goal [B]; zeros after the last span."""
    weights = _poisson_table(poisson)
    spans = torch.zeros(goal.numel(), 0, dtype=torch.long)
    while not bool((spans.sum(1) >= goal).all()):
        more = torch.multinomial(weights, goal.numel() * (int(goal.max()) + 8), replacement=True, generator=generator)
        spans = torch.cat([spans, more.view(goal.numel(), -1)], 1)
    before = spans.cumsum(1) - spans
    return torch.minimum(spans, (goal[:, None] - before).clamp(min=0))


def _poisson_table(mean: float) -> Tensor:
    """Probabilities of the lengths 0, 1, … until one falls below 1e-7 (the release's table: 15 entries at mean 2)."""
    term, table, k = float(torch.exp(torch.tensor(-mean, dtype=torch.float64))), [], 0
    while term >= 1e-7 or k <= mean:
        table.append(term)
        k += 1
        term *= mean / k
    return torch.tensor(table, dtype=torch.float64)

"""The noise of joint pre-training: spans hidden from the encoder, and more of them from the decoder (section 3.3).

Span lengths fill a budget of a block's tokens, as in `janus.noise.masks`. The decoder sees a mask in place of every
token of every span; a share of the spans is hidden from the encoder too, each behind a single mask, as in BART (Lewis
et al., 2020). Hence everything hidden from the encoder is hidden from the decoder, and more (Figure 3). Axes: B
blocks, T tokens of the longest, S source tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from janus.methods.base.options import option
from janus.noise.masks import draw_spans, maskable


@dataclass(frozen=True)
class Noise:
    """The spans that pre-training hides, and the rotation of BART.

    The defaults are the paper's (section 4.2): 30 % of the tokens are hidden from the encoder, 50 % from the decoder;
    span lengths are as in BART. The paper does not give their mean.
    """

    budget: float = option(
        0.5,
        "Share of a block that the spans add up to before they overlap; the decoder sees none of them.",
        exclusiveMinimum=0,
        maximum=1,
    )
    poisson: float = option(3.0, "Mean length of a span.", exclusiveMinimum=0)
    shared: float = option(0.6, "Share of the spans that the encoder does not see either.", minimum=0, maximum=1)
    rotated: float = option(0.0, "Share of the sources that begin at a random token.", minimum=0, maximum=1)


@dataclass(frozen=True)
class Noised:
    """source: [B, S] bos … eos with one `mask` per hidden span, right-padded. hidden: [B, T] masked in the decoder."""

    source: Tensor
    hidden: Tensor


def add_noise(target: Tensor, noise: Noise, *, pad: int, mask: int, generator: torch.Generator) -> Noised:
    """Draw the noise of a batch of blocks [B, T] bos … eos, right-padded.

    Of the spans hidden from the encoder, an empty one becomes an inserted mask, as in BART, and overlapping ones become
    a single mask.
    """
    spans = draw_spans(target, pad=pad, budget=noise.budget, poisson=noise.poisson, generator=generator)
    inner = maskable(target, pad=pad)
    shared = spans.drawn & (torch.rand(spans.starts.shape, generator=generator) < noise.shared)
    lacking = spans.covered(target.size(1), shared) & inner
    begins = torch.zeros_like(target).scatter_add(1, spans.starts, shared.long()).bool() & inner
    # A span that begins at bos, which is kept, gets its mask at the next place.
    begins[:, 1:] |= lacking[:, 1:] & ~lacking[:, :-1]
    # A span that begins inside another has no mask of its own.
    inside = torch.zeros_like(lacking)
    inside[:, 1:] = lacking[:, 1:] & lacking[:, :-1]
    source = _collapse(target, lacking, begins & ~inside, pad=pad, mask=mask)
    if noise.rotated:
        turned = torch.rand(target.size(0), generator=generator) < noise.rotated
        source = torch.where(turned[:, None], _rotate(source, pad=pad, generator=generator), source)
    return Noised(source, spans.covered(target.size(1)) & inner)


def _collapse(target: Tensor, lacking: Tensor, begins: Tensor, *, pad: int, mask: int) -> Tensor:
    """Put a mask before each place of `begins` and leave out the places of `lacking`: [B, T] to [B, S]."""
    kept = target.ne(pad) & ~lacking
    places = torch.stack([begins, kept], 2).flatten(1)
    symbols = torch.stack([torch.full_like(target, mask), target], 2).flatten(1)
    return _pack(symbols, places, pad)


def _rotate(source: Tensor, *, pad: int, generator: torch.Generator) -> Tensor:
    """Rotate the tokens between bos and eos so that a random one comes first."""
    number = (source.ne(pad).sum(1) - 2).clamp(min=1)[:, None]
    offset = (torch.rand(number.shape, generator=generator) * number).long()
    place = torch.arange(source.size(1))
    turned = (place - 1 + offset) % number + 1
    inner = (place >= 1) & (place <= number)
    return source.gather(1, torch.where(inner, turned, place))


def _pack(symbols: Tensor, places: Tensor, pad: int) -> Tensor:
    """The chosen symbols of each row, moved to its left: [B, W] to [B, most chosen]."""
    number = places.sum(1)
    order = torch.argsort((~places).long(), stable=True)[:, : int(number.max())]
    return symbols.gather(1, order).masked_fill(torch.arange(order.size(1)) >= number[:, None], pad)

"""Absorbing diffusion in discrete space: masks of every density, weighted so that the loss bounds the likelihood.

At time t in (0, 1] each target token is masked with probability t, independently (the log-linear schedule of Sahoo et
al., 2024, MDLM). The bound on -log p(y | x) of a sentence with n tokens is the expectation, over t and masks, of the
sum over masked tokens of -log p(token | what is seen, x), divided by t. A mask of m tokens then counts

    int_0^1 t^(m - 1) (1 - t)^(n - m) dt = 1 / (m C(n, m)),

so the bound is n times the mean over m = 1 … n, and over masks of m tokens, of the mean cross entropy of the masked
tokens: CMLM's masks, weighted with n / m. Zheng et al. (2023, RDM) divide the time in T steps and weigh with 1 - t.

Axes: B sentences, T target places, M masked tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from janus.errors import InputError
from janus.methods.base.batch import Symbols, as_plain, pack_source, rows_of, source_of
from janus.methods.base.joint_loss import length_loss
from janus.methods.base.method import Loss, Method, Step, Use
from janus.methods.base.options import option
from janus.model.streams import pack_streams
from janus.model.transformer import JanusTransformer
from janus.noise.masks import maskable, uniform_mask
from kernels.joint_loss import joint_loss as vocabulary_loss


@dataclass(frozen=True)
class DiffusionOptions:
    """How masks are drawn, and what a masked token weighs."""

    masks: Literal["time", "count"] = option(
        "time",
        "time draws t and masks each token with probability t; count draws the number of masked tokens from 1 to all, "
        "as CMLM does, which under `bound` has the same expectation and less variance.",
    )
    weighting: Literal["bound", "linear", "none"] = option(
        "bound",
        "What a masked token weighs; `bound` 1/t, with which the loss bounds the likelihood (MDLM), `linear` 1 - t, "
        "plus one step where the time has steps (RDM), `none` 1. With masks by count, t is the share of masked tokens.",
    )
    steps: int = option(
        0, "Steps of the time: t is one of 1/steps … 1 (RDM 50); 0 is continuous time (MDLM).", minimum=0
    )
    spread: bool = option(
        True,
        "Spread the times of a batch evenly, from one random number (MDLM), for less variance.",
    )
    length: float = option(0.1, "Weight of the length loss.", minimum=0)

    def times(self, sentences: int, generator: torch.Generator) -> Tensor:
        """Times [B] in (0, 1]."""
        if self.spread:
            start = torch.rand(1, generator=generator)
            # In random order, as sentences of a batch are ordered by their length.
            order = torch.randperm(sentences, generator=generator)
            drawn = ((start + order / max(sentences, 1)) % 1).float()
        else:
            drawn = torch.rand(sentences, generator=generator)
        # From [0, 1) to (0, 1].
        return 1 - drawn if not self.steps else ((drawn * self.steps).floor() + 1) / self.steps

    def weight(self, time: Tensor) -> Tensor:
        """What a masked token weighs at times [B]."""
        if self.weighting == "bound":
            return 1 / time
        if self.weighting == "linear":
            return 1 - time + (1 / self.steps if self.steps else 0)
        return torch.ones_like(time)


class Diffusion(Method):
    """Training by the weighted cross entropy of masked tokens, and decoding by reparameterised denoising."""

    Options = DiffusionOptions
    options: DiffusionOptions
    decoders = {"nar": Use("reparameterised")}

    def problems(self) -> Iterator[InputError]:
        """The number of masked tokens leaves no choice of a time."""
        if self.options.masks == "count" and self.options.steps:
            yield InputError("masks by count have no steps of time", where="steps", fix="use 0 there, or `masks: time`")

    def pack(self, source: Tensor, target: Tensor, symbols: Symbols, generator: torch.Generator) -> dict[str, Any]:
        """The source, the masks of this step and their weights."""
        if self.options.masks == "count":
            masked = uniform_mask(target, pad=symbols.pad, generator=generator)
            time = masked.sum(1) / maskable(target, pad=symbols.pad).sum(1).clamp(min=1)
        else:
            time = self.options.times(target.size(0), generator)
            drawn = torch.rand(target.shape, generator=generator) < time[:, None]
            masked = drawn & maskable(target, pad=symbols.pad)
        return self.packed(source, target, masked, self.options.weight(time), symbols)

    def packed(
        self, source: Tensor, target: Tensor, masked: Tensor, weight: Tensor, symbols: Symbols
    ) -> dict[str, Any]:
        """A batch with given masks [B, T], whose tokens weigh `weight` [B]."""
        streams = pack_streams(target, masked, pad=symbols.pad, mask=symbols.mask, ar=False, aux=False)
        return {
            "source": pack_source(source, symbols.pad),
            "lengths": target.ne(symbols.pad).sum(1),
            "streams": as_plain(streams),
            "weight": weight,
        }

    def loss(self, model: JanusTransformer, packed: Mapping[str, Any], step: Step) -> Loss:
        """The weighted cross entropies, divided by the tokens between bos and eos of the batch, and the length's.

        The term `bound` is the same without label smoothing; under the weighting `bound` it is the bound for a token.
        """
        states = model(source_of(packed["source"]), rows_of(packed["streams"]))
        read, lengths = states.read["nar"], packed["lengths"]
        tokens = max(int((lengths - 2).sum()), 1)
        # weight: [M]
        weight = packed["weight"][rows_of(packed["streams"]).sentence[read.rows]] / tokens
        total, smoothed, nll, _ = vocabulary_loss(
            states.hidden["nar"], states.vocabulary, read.labels, weight, 0, [], step.smoothing
        )
        count = max(nll.numel(), 1)
        terms = {"bound": (weight * nll).sum(), "nar": smoothed.sum() / count, "nar_nll": nll.sum() / count}
        if self.options.length:
            assert states.length is not None
            length = length_loss(states.length, lengths)
            total, terms["length"] = total + self.options.length * length, length.detach()
        return Loss(total, tokens, terms)


METHOD = Diffusion

"""FlowSeq (Ma et al., 2019): words that are independent given latent rows, whose prior is a flow.

Training maximises the evidence lower bound of each target. Its first updates leave the prior out and decode the mean of
the posterior; then variance and prior begin with what a batch suggests, and the weight of the divergence rises to 1.
The numbers are those of the authors' code (XuezheMax/flowseq).

Axes: B sentences, S source places, T target places, P target rows, D model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor

from janus.errors import InputError
from janus.methods.base.batch import Symbols, as_plain, pack_source, rows_of, source_of
from janus.methods.base.method import Loss, Method, Step, Training, Use
from janus.methods.base.options import option
from janus.model.config import TransformerConfig
from janus.model.latent import LatentConfig, LatentTransformer, latent_rows, length_unit, with_one
from janus.model.rows import DecoderRows
from janus.model.transformer import JanusTransformer, Memory
from kernels.joint_loss import joint_loss

# Of a training whose entry does not say how long its first phase is, and how long the weight rises afterwards.
_BEGINNING, _RISE = 0.2, 0.2


@dataclass(frozen=True)
class FlowseqOptions:
    """The size of prior and posterior, their dropout, and the phases of the training."""

    levels: int = option(3, "Levels of the flow; each but the last halves the rows.", minimum=1, maximum=6)
    steps: int = option(4, "Steps of each level but the last.", minimum=1)
    last_steps: int = option(2, "Steps of the last level.", minimum=1)
    flow_ffn: int = option(0, "Width inside the couplings; 0 stands for twice the model's width.", minimum=0)
    posterior_layers: int = option(0, "Layers of the posterior; 0 stands for as many as the decoder has.", minimum=0)
    differences: int = option(20, "The largest difference of target and source lengths.", minimum=1)
    word_dropout: float = option(
        0.2,
        "Dropout of the embedded words of source and target, where the training has a dropout.",
        minimum=0,
        exclusiveMaximum=1,
    )
    dropped_words: float = option(
        0.2,
        "Share of the target words that the posterior does not see, where the training has a dropout.",
        minimum=0,
        exclusiveMaximum=1,
    )
    length_dropout: float = option(
        0.33, "Dropout where the length is predicted and the training has a dropout.", minimum=0, exclusiveMaximum=1
    )
    init_updates: int = option(
        -1, "Updates without the prior; -1 stands for a fifth of the training's `max_update`.", minimum=-1
    )
    kl_updates: int = option(
        -1,
        "Updates afterwards in which the weight of the divergence rises to 1; -1 stands for a fifth of `max_update`.",
        minimum=-1,
    )

    def weight(self, update: int) -> float:
        """The weight of the divergence in the update after `update` others; 0 while there is no prior."""
        since = update - self.init_updates
        if since < 0:
            return 0.0
        return min(1.0, (since + 1) / self.kl_updates) if self.kl_updates > 0 else 1.0


class Flowseq(Method):
    """The lower bound, and decoding from the most probable latent rows."""

    Options = FlowseqOptions
    options: FlowseqOptions
    network = LatentTransformer
    decoders = {"nar": Use("flow", {"passes": 1})}

    def problems(self) -> Iterator[InputError]:
        """Some difference of lengths has to fit."""
        unit = length_unit(self.options.levels)
        if 2 * self.options.differences + 1 < unit:
            yield InputError(
                f"targets of {self.options.levels} levels are multiples of {unit}, which no difference may reach",
                where="differences",
                fix=f"use {unit // 2} or more, or fewer levels",
            )

    def configure(self, config: TransformerConfig) -> LatentConfig:
        """The authors' network. Raises InputError for heads that do not divide half of the width."""
        options, half = self.options, config.dimension // 2
        if config.dimension % 2 or half % config.decoder_heads:
            raise InputError(
                f"half of the width {config.dimension} is no multiple of {config.decoder_heads} heads",
                where="flowseq",
                fix="use fewer heads, or another width",
            )
        # A tier that trains without dropout trains without these, too.
        drops = config.dropout > 0
        own = replace(
            config,
            activation="relu",
            activation_dropout=config.dropout,
            positions="sinusoidal",
            scale_embedding=True,
            layernorm_embedding=False,
            length="none",
            ar_readout="content",
        )
        return LatentConfig(
            **vars(own),
            levels=options.levels,
            steps=options.steps,
            last_steps=options.last_steps,
            flow_ffn=options.flow_ffn or 2 * config.dimension,
            posterior_layers=options.posterior_layers or config.decoder_layers,
            differences=options.differences,
            word_dropout=options.word_dropout * drops,
            dropped_words=options.dropped_words * drops,
            length_dropout=options.length_dropout * drops,
        )

    def arguments(self, training: Training) -> list[str]:
        """As of every method; phases whose length nothing says take their share of the training."""
        most, options = int(training.training["max_update"]), self.options
        own = replace(
            options,
            init_updates=int(most * _BEGINNING) if options.init_updates < 0 else options.init_updates,
            kl_updates=int(most * _RISE) if options.kl_updates < 0 else options.kl_updates,
        )
        return Method.arguments(Flowseq(own), training)

    def pack(self, source: Tensor, target: Tensor, symbols: Symbols, generator: torch.Generator) -> dict[str, Any]:
        """The target's words with their fill, and the seed of the latent rows."""
        words = filled(target, symbols, length_unit(self.options.levels))
        owner = torch.arange(target.size(0))
        return {
            "source": pack_source(source, symbols.pad),
            "streams": as_plain(latent_rows(words, owner, pad=symbols.pad, mask=symbols.mask)),
            "seed": int(torch.randint(2**62, (), generator=generator)),
        }

    def loss(self, model: JanusTransformer, packed: Mapping[str, Any], step: Step) -> Loss:
        """The reconstruction, the weighted divergence and the length, summed for each sentence; their mean.

        Validation has a weight of 1 in every phase: it is the bound of the model as it is.
        """
        own, streams = cast(LatentTransformer, model), rows_of(packed["streams"])
        memory, _ = own.encode(source_of(packed["source"]))
        weight = self.options.weight(step.update) if step.training else 1.0
        noise = _noise(packed["seed"], streams, own.config.dimension)
        if step.training and weight and not own.begun:
            _require_exact_weights(own)
            own.begin(streams, memory, noise)
        if not weight:
            noise = torch.zeros_like(noise)
        parts = bound(own, streams, memory, noise, step.smoothing, divergence=weight > 0)
        total = parts.reconstruction + weight * parts.divergence + parts.length
        if not weight:
            # Processes of a training exchange a gradient of every weight.
            total = total + 0 * torch.stack([value.sum() for value in own.not_learned_yet()]).sum()
        terms = {name: value.detach() for name, value in vars(parts).items()}
        return Loss(total, streams.sentences, terms)


@dataclass(frozen=True)
class Bound:
    """The parts of the bound, each a mean over sentences, in nats."""

    reconstruction: Tensor
    divergence: Tensor
    length: Tensor


def bound(
    model: LatentTransformer,
    streams: DecoderRows,
    memory: Memory,
    noise: Tensor,
    smoothing: float,
    *,
    divergence: bool = True,
) -> Bound:
    """The parts of the bound for latent rows drawn with standard normal noise [P, D]; zero is the mean.

    The divergence is that of one draw, log q - log p.
    """
    mean, log_variance = model.approximate(streams, memory)
    level, sentences = model.level(streams, memory), streams.sentences
    drawn = model.draw(mean, log_variance, noise, level)
    labels = streams.read["nar"].labels
    hidden = model.read(drawn.rows, streams, memory)
    weights = torch.full_like(labels, 1 / max(sentences, 1), dtype=torch.float)
    vocabulary = model.decoder.vocabulary()
    reconstruction, *_ = joint_loss(with_one(hidden), vocabulary, labels, weights, 0, [], smoothing)
    apart = torch.zeros_like(reconstruction)
    if divergence:
        apart = (drawn.log_probability - model.log_prior(drawn.rows, level)).mean()
    return Bound(reconstruction, apart, length_losses(model, memory, level.rows, smoothing).mean())


def length_losses(model: LatentTransformer, memory: Memory, lengths: Tensor, smoothing: float) -> Tensor:
    """[B] smoothed cross entropy of the lengths [B], over the classes that are multiples of the unit.

    A target that differs more than any class has the nearest class.
    """
    log_probs, known = model.length_log_probs(memory)
    allowed = log_probs.isfinite()
    finite = log_probs.masked_fill(~allowed, 0)
    distance = (known - lengths[:, None]).abs().masked_fill(~allowed, torch.iinfo(torch.long).max)
    gold = finite.gather(1, distance.argmin(1, keepdim=True))[:, 0]
    return -(1 - smoothing) * gold - smoothing * finite.sum(1) / allowed.sum(1)


def filled(target: Tensor, symbols: Symbols, unit: int) -> Tensor:
    """The words of targets [B, T], bos … eos, followed by end symbols up to a multiple of `unit`; padded.

    A target whose words are such a multiple has no end symbol; one without words has `unit` of them.
    """
    words = target.ne(symbols.pad).sum(1) - 2
    lengths = ((words + unit - 1) // unit * unit).clamp(min=unit)
    place = torch.arange(int(lengths.max()))
    inner = torch.nn.functional.pad(target[:, 1:], (0, max(0, place.numel() - target.size(1) + 1)))[:, : place.numel()]
    inner = torch.where(place < words[:, None], inner, symbols.eos)
    return torch.where(place < lengths[:, None], inner, symbols.pad)


def _noise(seed: int, streams: DecoderRows, size: int) -> Tensor:
    """Standard normal numbers [P, D] of a batch."""
    device = streams.token.device
    generator = torch.Generator(device).manual_seed(seed)
    return torch.randn(streams.token.numel(), size, device=device, generator=generator)


def _require_exact_weights(model: LatentTransformer) -> None:
    """Raise InputError for weights that a trainer keeps elsewhere in another precision.

    It would overwrite what the model begins with.
    """
    if model.prior_type not in (torch.float32, torch.float64):
        raise InputError(
            f"weights of {model.prior_type} cannot begin with what a batch suggests",
            where="flowseq",
            fix="train in float32 or with precision bfloat16",
        )


METHOD = Flowseq

"""Joint training of AR and NAR decoding (paper sections 3.1 and 3.2): JANUS, its ablations, and plain models as such.

The losses with a weight decide which streams a batch holds: AR alone is a Transformer, NAR alone is CMLM in this
suite's model. Axes: B sentences, T target places.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor

from janus.errors import InputError
from janus.methods.base.batch import Symbols, as_plain, pack_source, rows_of, source_of
from janus.methods.base.joint_loss import Weights, joint_loss, target_tokens
from janus.methods.base.method import AR, MASK_PREDICT, Loss, Method, Step
from janus.methods.base.options import option
from janus.model.config import TransformerConfig
from janus.model.rows import States
from janus.model.streams import pack_streams
from janus.model.transformer import JanusTransformer
from janus.noise.masks import maskable, span_mask, uniform_mask


@dataclass(frozen=True)
class Masking:
    """The target tokens that a training step hides (section 3.2)."""

    kind: Literal["span", "uniform"] = option(
        "span", "span hides runs of tokens; uniform hides a number of tokens drawn from 1 to all, as CMLM does."
    )
    poisson: float = option(2.0, "Mean length of a span.", exclusiveMinimum=0)
    budget: float = option(
        0.7,
        "Share of the target, begin and end symbols included, that the spans add up to before they overlap.",
        exclusiveMinimum=0,
        maximum=1,
    )

    def draw(self, target: Tensor, symbols: Symbols, generator: torch.Generator) -> Tensor:
        """[B, T] boolean: the tokens masked in this step; real unknown words look like masks and count as such."""
        if self.kind == "span":
            sizes = {"budget": self.budget, "poisson": self.poisson}
            drawn = span_mask(target, pad=symbols.pad, **sizes, generator=generator)
        else:
            drawn = uniform_mask(target, pad=symbols.pad, generator=generator)
        return drawn | (target.eq(symbols.mask) & maskable(target, pad=symbols.pad))


@dataclass(frozen=True)
class StreamOptions:
    """Which streams a loss reads, how its terms add up, and how the model computes them."""

    losses: Weights = option(
        Weights,
        "Weights of the loss terms. A Kullback-Leibler weight multiplies J, the mean of both directions, so that 2 "
        "counts both directions once, as equation 4 of the paper does. A term that is not named has weight 0.",
    )
    reduction: Literal["sum", "mean"] = option(
        "mean",
        "What a loss term is; `sum` over its tokens, as equations 1 to 4 have it, where an update is normalised by its "
        "target tokens, or the `mean` over its own tokens, as the authors' code computes it in translation, where each "
        "batch weighs the same and a masked token counts more than one of AR, by the share that is masked.",
    )
    query_position: Literal["own", "previous"] = option(
        "own",
        "The position embedding with which the autoregressive query predicts a token: its own, as the text describes, "
        "or the previous token's, as the authors' code does.",
    )
    ar_readout: Literal["query", "content"] = option(
        "query",
        "What predicts the next token; `query`, rows of their own, as JANUS does, or `content`, the previous token's "
        "row, as a plain Transformer does.",
    )
    encoder_passes: Literal[1, 2] = option(
        1,
        "Encoder passes an update: 1 shared by all streams, or 2, one for AR and one for NAR, each with its own "
        "dropout.",
    )
    adversarial: float = option(
        0.0,
        "Radius of the adversarial softmax (Wang et al., 2019). In training, the worst perturbation of the gold word's "
        "output vector w inside a ball of this share of |w| lowers the gold logit of every cross entropy over words, "
        "AR, NAR and AUX alike. The divergences read the plain distributions; 0 is the plain loss.",
        minimum=0,
    )


@dataclass(frozen=True)
class JointOptions(StreamOptions):
    """The options of joint training on sentence pairs."""

    masking: Masking = option(Masking, "How target tokens are hidden in training.")


class StreamMethod(Method):
    """A method whose losses read the streams of `janus.model.streams`."""

    options: StreamOptions
    decoders = {"ar": AR, "nar": MASK_PREDICT}

    def problems(self) -> Iterator[InputError]:
        """Without a loss on a stream, nothing would be learnt."""
        losses = self.options.losses
        if not (losses.reads_ar or losses.reads_nar or losses.reads_aux):
            yield InputError(
                "no loss has a weight, so nothing would be learnt",
                where="losses",
                fix="give one of ar, nar, aux a weight above 0",
            )

    def configure(self, config: TransformerConfig) -> TransformerConfig:
        """The model computes what the options name."""
        options = self.options
        return replace(
            config,
            query_position=options.query_position,
            ar_readout=options.ar_readout,
            encoder_passes=options.encoder_passes,
        )

    def streams(
        self, target: Tensor, masked: Tensor, symbols: Symbols, corrupted: Tensor | None = None
    ) -> dict[str, Any]:
        """The plain decoder rows of the streams that a loss reads, for targets [B, T] and masks [B, T]."""
        losses = self.options.losses
        return as_plain(
            pack_streams(
                target,
                masked,
                pad=symbols.pad,
                mask=symbols.mask,
                ar=losses.reads_ar,
                nar=losses.reads_nar,
                aux=losses.reads_aux,
                query_position=self.options.query_position,
                ar_readout=self.options.ar_readout,
                corrupted=corrupted,
            )
        )

    def loss(self, model: JanusTransformer, packed: Mapping[str, Any], step: Step) -> Loss:
        """The weighted sum of equation 5."""
        return self.weighted(model(source_of(packed["source"]), rows_of(packed["streams"])), packed["lengths"], step)

    def weighted(self, states: States, lengths: Tensor, step: Step) -> Loss:
        """The weighted sum of equation 5 of hidden states; lengths: [B] target lengths, bos and eos counted.

        With `reduction: sum` the size of a batch is its number of target tokens, with `mean` every batch counts alike.
        """
        options = self.options
        radius = options.adversarial if step.training else 0.0
        how: dict[str, Any] = {"reduction": options.reduction, "adversarial": radius}
        total, terms = joint_loss(states, lengths, options.losses, step.smoothing, **how)
        return Loss(total, target_tokens(states, lengths) if options.reduction == "sum" else 1, terms)


class Joint(StreamMethod):
    """Joint training on sentence pairs."""

    Options = JointOptions
    options: JointOptions

    def pack(self, source: Tensor, target: Tensor, symbols: Symbols, generator: torch.Generator) -> dict[str, Any]:
        """The source, the masks drawn for this step, and the rows of the streams."""
        masked = self.options.masking.draw(target, symbols, generator)
        return {
            "source": pack_source(source, symbols.pad),
            "lengths": target.ne(symbols.pad).sum(1),
            "streams": self.streams(target, masked, symbols),
        }


METHOD = Joint

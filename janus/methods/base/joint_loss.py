"""The losses of joint training (paper equations 1 to 5), the weights of a recipe, and the reduction over tokens.

Equations 1 to 4 are sums over tokens: N of them in AR, the M masked ones in the other terms. With the `reduction`
`sum`, these sums are divided by the target tokens of the batch, so that each token counts the same in every term. With
`mean`, each term is the mean over its own tokens, as in the authors' code for translation, and a masked token counts
N / M times as much as one of AR.

Axes: N tokens, M of them masked, R rows of all streams, D model, V vocabulary. Cross entropies and divergences are
computed by `kernels.joint_loss` in float32, the divergences from unsmoothed distributions.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

import torch
import torch.nn.functional as F
from torch import Tensor

from janus.methods.base.options import option
from janus.model.rows import States
from kernels.joint_loss import joint_loss as vocabulary_loss


@dataclass(frozen=True)
class Weights:
    """The weight of each term in the sum. The two recipes, and any mixture of them, are values of this class.

    ar, nar, aux: cross entropies (equations 1 to 3). kl_ar_aux, kl_nar_aux, kl_ar_nar: J of two streams, the mean of
    both directions, so the sum of both directions in equation 4 is a weight of 2. length: the length classifier.
    """

    ar: float = option(0.0, "Cross entropy of the autoregressive distribution.", minimum=0)
    nar: float = option(0.0, "Cross entropy of the masked distribution.", minimum=0)
    aux: float = option(0.0, "Cross entropy of the auxiliary distribution.", minimum=0)
    kl_ar_aux: float = option(0.0, "J(AR, AUX).", minimum=0)
    kl_nar_aux: float = option(0.0, "J(NAR, AUX).", minimum=0)
    kl_ar_nar: float = option(0.0, "J(AR, NAR), the direct divergence.", minimum=0)
    length: float = option(0.0, "Cross entropy of the target length.", minimum=0)

    @property
    def corrected(self) -> float:
        """The weight of the corrected tokens, which only `CorrectionWeights` have."""
        return 0.0

    @property
    def reads_ar(self) -> bool:
        """Whether any term reads the AR stream."""
        return bool(self.ar or self.kl_ar_aux or self.kl_ar_nar)

    @property
    def reads_nar(self) -> bool:
        """Whether any term reads the NAR stream."""
        return bool(self.nar or self.kl_nar_aux or self.kl_ar_nar or self.corrected)

    @property
    def reads_aux(self) -> bool:
        """Whether any term reads the AUX stream."""
        return bool(self.aux or self.kl_ar_aux or self.kl_nar_aux)


@dataclass(frozen=True)
class CorrectionWeights(Weights):
    """Weights with cross entropy at replaced observed tokens (CMLMC, Huang et al., 2022)."""

    correction: float = option(0.0, "Cross entropy of the correction pass of CMLMC (its third change).", minimum=0)

    @property
    def corrected(self) -> float:
        """The weight of the corrected tokens."""
        return self.correction


PAPER = Weights(ar=1, nar=1, aux=1, kl_ar_aux=2, kl_nar_aux=2, length=0.1)
RELEASE = Weights(ar=1, nar=0.5, aux=0.5, kl_ar_aux=3, kl_nar_aux=1, kl_ar_nar=1, length=0.1)


_PAIRS = {"kl_ar_aux": ("ar", "aux"), "kl_nar_aux": ("nar", "aux"), "kl_ar_nar": ("ar", "nar")}


def length_loss(logits: Tensor, lengths: Tensor) -> Tensor:
    """Cross entropy of the length classifier, mean over sentences; logits [B, L], lengths [B] clamped to L - 1."""
    return F.cross_entropy(logits.float(), lengths.clamp(0, logits.size(1) - 1))


def target_tokens(states: States, lengths: Tensor) -> int:
    """The number of tokens that a left-to-right model predicts: all but bos. lengths: [B], including bos and eos."""
    ar = states.read.get("ar")
    return ar.labels.numel() if ar else int((lengths - 1).sum())


def adversarial_margins(hidden: Tensor, vocabulary: Tensor, labels: Tensor, radius: float) -> Tensor:
    """What the worst perturbation of the gold word's output vector w takes from the gold logit, [R].

    The ball around w has the radius `radius` * |w|, so that is radius * |w| * |h| for the hidden row h (Wang et al.,
    2019); nothing where the gold logit is not positive, as in the authors' code. The size of the ball is a constant:
    nothing flows into w, and -radius * |w| * h / |h| into h.
    hidden: [R, D]. vocabulary: [V, D]. labels: [R].
    """
    exact = torch.promote_types(hidden.dtype, torch.float)
    # w, h: [R, D]
    w, h = vocabulary.detach()[labels].to(exact), hidden.to(exact)
    positive = (w * h.detach()).sum(1) > 0
    return radius * w.norm(dim=1) * h.norm(dim=1) * positive


def joint_loss(
    states: States,
    lengths: Tensor,
    weights: Weights,
    smoothing: float,
    *,
    reduction: str = "mean",
    adversarial: float = 0.0,
) -> tuple[Tensor, dict[str, Tensor]]:
    """The weighted sum of equation 5, and each term by itself, without gradient.

    lengths: [B] target lengths, bos and eos counted. Terms: ar, nar, aux, correction (smoothed cross entropies, means
    over tokens), *_nll (unsmoothed), kl_* (J, mean over masked tokens), length; those of streams that no weight reads
    are left out. A term without tokens is zero. reduction: what a term adds to the total; `mean`, itself, or `sum`, its
    sum over tokens divided by `target_tokens`. The length loss, which the equations do not have, is a mean in both.
    adversarial: the radius of `adversarial_margins`, which lower the gold logits of all cross entropies over words; the
    divergences and the length loss read the plain distributions. 0 is the plain loss.
    """
    rows = _Rows.of(states, weights, target_tokens(states, lengths) if reduction == "sum" else None)
    words = (rows.hidden, states.vocabulary, rows.labels)
    margins = adversarial_margins(*words, adversarial) if adversarial else None
    total, smoothed, nll, divergence = vocabulary_loss(
        *words, rows.weights, rows.tokens, list(rows.pairs.values()), smoothing, margins
    )
    terms: dict[str, Tensor] = {}
    for name, part in rows.parts.items():
        terms[name], terms[f"{name}_nll"] = _mean(smoothed[part]), _mean(nll[part])
    for name, row in zip(rows.pairs, divergence):
        terms[name] = _mean(row)
    if weights.length:
        if states.length is None:
            raise ValueError("the length loss needs a model with a length classifier")
        length = length_loss(states.length, lengths)
        total, terms["length"] = total + weights.length * length, length.detach()
    return total, terms


@dataclass(frozen=True)
class _Rows:
    """All rows that a weight reads, in the order NAR, AUX, AR at masked tokens, other AR, corrected.

    hidden: [R, D]. labels: [R]. weights: [R], the weight of each row's cross entropy. tokens: M. parts: the rows of
    each cross entropy. pairs: for each divergence the indices of its two streams among those read, and the weight of
    one token.
    """

    hidden: Tensor
    labels: Tensor
    weights: Tensor
    tokens: int
    parts: dict[str, slice]
    pairs: dict[str, tuple[int, int, float]]

    @classmethod
    def of(cls, states: States, weights: Weights, divisor: int | None) -> _Rows:
        """divisor: what every sum over tokens is divided by; None for the number of tokens of the term itself."""
        # streams: {name: (hidden rows [M, D], [N, D] or [C, D], labels)}
        streams = {
            name: (states.hidden[name], states.read[name].labels)
            for name, needed in (("nar", weights.reads_nar), ("aux", weights.reads_aux))
            if needed
        }
        tokens = next((labels.numel() for _, labels in streams.values()), 0)
        if weights.reads_ar:
            # first: [N] the entries of the AR stream, those at masked tokens first
            ar = states.read["ar"]
            assert ar.masked is not None
            first = torch.zeros_like(ar.labels).index_fill(0, ar.masked, -1).argsort(stable=True)
            streams["ar"] = states.hidden["ar"][first], ar.labels[first]
        order = list(streams)
        pairs = {
            name: (order.index(one), order.index(other), getattr(weights, name) / (divisor or max(tokens, 1)))
            for name, (one, other) in _PAIRS.items()
            if getattr(weights, name)
        }
        if weights.corrected:
            streams["correction"] = states.hidden["corrected"], states.read["corrected"].labels
        counts = [labels.numel() for _, labels in streams.values()]
        ends = list(accumulate(counts))
        return cls(
            hidden=torch.cat([hidden for hidden, _ in streams.values()]),
            labels=torch.cat([labels for _, labels in streams.values()]),
            weights=torch.cat(
                [
                    torch.full_like(labels, getattr(weights, name) / (divisor or max(count, 1)), dtype=torch.float)
                    for (name, (_, labels)), count in zip(streams.items(), counts)
                ]
            ),
            tokens=tokens,
            parts={name: slice(end - count, end) for name, count, end in zip(streams, counts, ends)},
            pairs=pairs,
        )


def _mean(values: Tensor) -> Tensor:
    return values.sum() / max(values.numel(), 1)

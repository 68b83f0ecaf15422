"""The losses of joint training (paper equations 1 to 5) and the weights that make a recipe.

Axes: N tokens, M of them masked, R rows of all streams, D model, V vocabulary. Cross entropies and divergences are
computed by `kernels.joint_loss` in float32, the divergences from unsmoothed distributions.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

import torch
import torch.nn.functional as F
from torch import Tensor

from janus.model.transformer import StreamStates
from kernels.joint_loss import joint_loss as vocabulary_loss


@dataclass(frozen=True)
class Weights:
    """What each term counts in the sum. The two recipes, and any crossing of them, are values of this class.

    ar, nar, aux: cross entropies (equations 1 to 3). kl_ar_aux, kl_nar_aux, kl_ar_nar: J of two streams, the mean of
    both directions, so the sum of both directions in equation 4 is a weight of 2. length: the length classifier.
    correction: cross entropy at replaced observed tokens (CMLMC, Huang et al., 2021).
    """

    ar: float = 0.0
    nar: float = 0.0
    aux: float = 0.0
    kl_ar_aux: float = 0.0
    kl_nar_aux: float = 0.0
    kl_ar_nar: float = 0.0
    length: float = 0.0
    correction: float = 0.0

    @property
    def reads_ar(self) -> bool:
        """Whether any term reads the AR stream."""
        return bool(self.ar or self.kl_ar_aux or self.kl_ar_nar)

    @property
    def reads_nar(self) -> bool:
        """Whether any term reads the NAR stream."""
        return bool(self.nar or self.kl_nar_aux or self.kl_ar_nar or self.correction)

    @property
    def reads_aux(self) -> bool:
        """Whether any term reads the AUX stream."""
        return bool(self.aux or self.kl_ar_aux or self.kl_nar_aux)


PAPER = Weights(ar=1, nar=1, aux=1, kl_ar_aux=2, kl_nar_aux=2, length=0.1)
RELEASE = Weights(ar=1, nar=0.5, aux=0.5, kl_ar_aux=3, kl_nar_aux=1, kl_ar_nar=1, length=0.1)


_PAIRS = {"kl_ar_aux": ("ar", "aux"), "kl_nar_aux": ("nar", "aux"), "kl_ar_nar": ("ar", "nar")}


def length_loss(logits: Tensor, lengths: Tensor) -> Tensor:
    """Cross entropy of the length classifier, mean over sentences; logits [B, L], lengths [B] clamped to L - 1."""
    return F.cross_entropy(logits.float(), lengths.clamp(0, logits.size(1) - 1))


def joint_loss(
    states: StreamStates, lengths: Tensor, weights: Weights, smoothing: float, *, masked_mean: str = "own"
) -> tuple[Tensor, dict[str, Tensor]]:
    """The weighted sum of equation 5, and each term by itself, without gradient.

    lengths: [B] target lengths, bos and eos counted. Terms: ar, nar, aux, correction (smoothed cross entropies, means
    over tokens), *_nll (unsmoothed), kl_* (J, mean over masked tokens), length; those of streams that no weight reads
    are left out. A term without tokens is zero. masked_mean: `own`, or `all` to divide, in the total, what is summed
    over masked tokens by the number of all target tokens, as the release does in pre-training; AR must then be read.
    """
    rows = _Rows.of(states, weights, masked_mean)
    total, smoothed, nll, divergence = vocabulary_loss(
        rows.hidden, states.vocabulary, rows.labels, rows.weights, rows.tokens, list(rows.pairs.values()), smoothing
    )
    terms: dict[str, Tensor] = {}
    for name, part in rows.parts.items():
        terms[name], terms[f"{name}_nll"] = _mean(smoothed[part]), _mean(nll[part])
    for name, row in zip(rows.pairs, divergence):
        terms[name] = _mean(row)
    if weights.length:
        length = length_loss(states.length, lengths)
        total, terms["length"] = total + weights.length * length, length.detach()
    return total, terms


@dataclass(frozen=True)
class _Rows:
    """All rows that a weight reads, in the order NAR, AUX, AR at masked tokens, other AR, corrected.

    hidden: [R, D]. labels: [R]. weights: [R], what a row's cross entropy counts. tokens: M. parts: the rows of each
    cross entropy. pairs: the streams that diverge, by their place among those read, and what one token counts.
    """

    hidden: Tensor
    labels: Tensor
    weights: Tensor
    tokens: int
    parts: dict[str, slice]
    pairs: dict[str, tuple[int, int, float]]

    @classmethod
    def of(cls, states: StreamStates, weights: Weights, masked_mean: str) -> _Rows:
        tokens = states.masked_labels.numel()
        over = states.ar_labels.numel() if masked_mean == "all" else tokens
        masked_first = torch.zeros_like(states.ar_labels).index_fill(0, states.ar_masked, -1).argsort(stable=True)
        streams = {}
        if weights.reads_nar:
            streams["nar"] = states.nar, states.masked_labels
        if weights.reads_aux:
            streams["aux"] = states.aux, states.masked_labels
        if weights.reads_ar:
            streams["ar"] = states.ar[masked_first], states.ar_labels[masked_first]
        order = list(streams)
        pairs = {
            name: (order.index(one), order.index(other), getattr(weights, name) / max(over, 1))
            for name, (one, other) in _PAIRS.items()
            if getattr(weights, name)
        }
        if weights.correction:
            streams["correction"] = states.corrected, states.corrected_labels
        counts = [labels.numel() for _, labels in streams.values()]
        divisors = [over if name in ("nar", "aux") else count for name, count in zip(streams, counts)]
        ends = list(accumulate(counts))
        return cls(
            hidden=torch.cat([hidden for hidden, _ in streams.values()]),
            labels=torch.cat([labels for _, labels in streams.values()]),
            weights=torch.cat(
                [
                    torch.full_like(labels, getattr(weights, name) / max(divisor, 1), dtype=torch.float)
                    for (name, (_, labels)), divisor in zip(streams.items(), divisors)
                ]
            ),
            tokens=tokens,
            parts={name: slice(end - count, end) for name, count, end in zip(streams, counts, ends)},
            pairs=pairs,
        )


def _mean(values: Tensor) -> Tensor:
    return values.sum() / max(values.numel(), 1)

"""The losses of joint training (paper equations 1 to 5) and the weights that make a recipe.

Axes: N tokens, M of them masked, V vocabulary. All losses are computed in float32 from unsmoothed distributions.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from janus.model.transformer import StreamLogits


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


def label_smoothed(log_probs: Tensor, labels: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
    """Label-smoothed cross entropy and plain negative log-likelihood, each the mean over tokens.

    log_probs: [N, V]. labels: [N]. Smoothing spreads `smoothing` evenly over all V entries, the gold one included,
    as the release does. Both are zero where there are no tokens.
    """
    tokens = max(labels.numel(), 1)
    nll = -log_probs.gather(1, labels[:, None]).sum() / tokens
    uniform = -log_probs.mean(1).sum() / tokens
    return (1 - smoothing) * nll + smoothing * uniform, nll


def symmetric_kl(log_p: Tensor, log_q: Tensor) -> Tensor:
    """J(p, q) = (KL(p||q) + KL(q||p)) / 2, mean over tokens; gradients flow into both sides (equation 4).

    log_p, log_q: [M, V]. The two directions add up to the sum over V of (p - q)(log p - log q).
    """
    tokens = max(log_p.size(0), 1)
    return 0.5 * ((log_p.exp() - log_q.exp()) * (log_p - log_q)).sum() / tokens


def length_loss(logits: Tensor, lengths: Tensor) -> Tensor:
    """Cross entropy of the length classifier, mean over sentences; logits [B, L], lengths [B] clamped to L - 1."""
    return F.cross_entropy(logits.float(), lengths.clamp(0, logits.size(1) - 1))


def joint_loss(
    logits: StreamLogits, lengths: Tensor, weights: Weights, smoothing: float
) -> tuple[Tensor, dict[str, Tensor]]:
    """The weighted sum of equation 5 and each term by itself.

    lengths: [B] target lengths, bos and eos counted. Terms: ar, nar, aux, correction (smoothed), *_nll, kl_*, length;
    those of streams that no weight reads are left out. A term without tokens is zero.
    """
    read = {"ar": weights.reads_ar, "nar": weights.reads_nar, "aux": weights.reads_aux}
    log_probs = {name: F.log_softmax(getattr(logits, name).float(), -1) for name, wanted in read.items() if wanted}
    terms: dict[str, Tensor] = {}
    for name, scores in log_probs.items():
        gold = logits.ar_labels if name == "ar" else logits.masked_labels
        terms[name], terms[f"{name}_nll"] = label_smoothed(scores, gold, smoothing)
    if weights.correction:
        scores = F.log_softmax(logits.corrected.float(), -1)
        terms["correction"], terms["correction_nll"] = label_smoothed(scores, logits.corrected_labels, smoothing)
    if weights.length:
        terms["length"] = length_loss(logits.length, lengths)
    on_masked = {name: s[logits.ar_masked] if name == "ar" else s for name, s in log_probs.items()}
    for one, other in (("ar", "aux"), ("nar", "aux"), ("ar", "nar")):
        if getattr(weights, f"kl_{one}_{other}"):
            terms[f"kl_{one}_{other}"] = symmetric_kl(on_masked[one], on_masked[other])
    total = sum(weight * terms[name] for name, weight in vars(weights).items() if weight)
    return torch.as_tensor(total), terms

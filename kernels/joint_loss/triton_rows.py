"""Losses and gradients of a chunk of logits in one Triton kernel: a program per token, all its streams together.

The logits of a token are read two or three times and written once; a chunk is small enough to stay in the L2 cache
meanwhile. Axes: K streams (at most 3) that predict the same tokens, C tokens of the chunk, V vocabulary.
"""

import triton
import triton.language as tl
from torch import Tensor

_BLOCK = 2048
_MOST_STREAMS = 3


def score_rows(
    logits: Tensor,
    labels: Tensor,
    row_weights: Tensor,
    pairs: list[tuple[int, int, float]],
    smoothing: float,
    smoothed: Tensor,
    nll: Tensor,
    divergence: Tensor,
    gradient: bool,
) -> None:
    """As `kernels.joint_loss.rows.score_rows`; raises ValueError for more than three streams."""
    streams, tokens, words = logits.shape
    if streams > _MOST_STREAMS:
        raise ValueError(f"the kernel supports at most {_MOST_STREAMS} streams, not {streams}")
    if not logits.is_contiguous():
        raise ValueError("the kernel writes gradients in place of contiguous logits")
    between = dict.fromkeys([(0, 1), (0, 2), (1, 2)], 0.0)
    for i, j, weight in pairs:
        between[min(i, j), max(i, j)] += weight
    cross_entropies = smoothed.new_empty(2, streams, tokens)
    divergences = smoothed.new_empty(len(between), tokens)
    _score[(tokens,)](
        logits,
        labels.contiguous(),
        row_weights.contiguous(),
        *cross_entropies,
        divergences,
        tokens,
        words,
        *between.values(),
        smoothing,
        STREAMS=streams,
        PAIRS=bool(pairs),
        GRADIENT=gradient,
        BLOCK=min(_BLOCK, triton.next_power_of_2(words)),
        num_warps=8,
    )
    smoothed.copy_(cross_entropies[0])
    nll.copy_(cross_entropies[1])
    for row, (i, j, _) in zip(divergence, pairs):
        row.copy_(divergences[list(between).index((min(i, j), max(i, j)))])


@triton.jit
def _lse_and_mean(row, words, BLOCK: tl.constexpr):
    """Log-sum-exp and mean of the logits at `row`."""
    row_max = -float("inf")
    sum_exp = 0.0
    sum_logits = 0.0
    for start in range(0, words, BLOCK):
        column = start + tl.arange(0, BLOCK)
        inside = column < words
        values = tl.load(row + column, mask=inside, other=-float("inf")).to(tl.float32)
        new_max = tl.maximum(row_max, tl.max(values))
        sum_exp = sum_exp * tl.exp(row_max - new_max) + tl.sum(tl.exp(values - new_max))
        row_max = new_max
        sum_logits += tl.sum(tl.where(inside, values, 0.0))
    return row_max + tl.log(sum_exp), sum_logits / words


@triton.jit
def _block(row, column, words, lse):
    """Log-probabilities and probabilities of one block; zeros past the vocabulary."""
    inside = column < words
    scores = tl.load(row + column, mask=inside, other=0.0).to(tl.float32) - lse
    return tl.where(inside, scores, 0.0), tl.where(inside, tl.exp(scores), 0.0)


@triton.jit
def _cross_entropy(row, label, lse, mean, smoothing, smoothed, nll):
    """Write both losses of one row, whose logits must not have been overwritten yet."""
    gold = lse - tl.load(row + label).to(tl.float32)
    tl.store(nll, gold)
    tl.store(smoothed, (1 - smoothing) * gold + smoothing * (lse - mean))


@triton.jit
def _divergence_gradient(p, difference, divergence, q):
    """Twice the gradient of J(p, q) by the logits of p; difference: log p - log q, divergence: KL(p || q)."""
    return p * (difference - divergence) + p - q


@triton.jit
def _score(
    logits,
    labels,
    row_weights,
    smoothed,
    nll,
    divergence,
    tokens,
    words,
    w01,
    w02,
    w12,
    smoothing,
    STREAMS: tl.constexpr,
    PAIRS: tl.constexpr,
    GRADIENT: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """One token. All per-row arrays are [K, C] and contiguous; divergence is [3, C]: streams 0-1, 0-2, 1-2."""
    token = tl.program_id(0)
    # A missing stream aliases the last one that exists, with weight 0.
    at0 = token
    at1 = token + (tokens if STREAMS > 1 else 0)
    at2 = (STREAMS - 1) * tokens + token
    row0 = logits + at0.to(tl.int64) * words
    row1 = logits + at1.to(tl.int64) * words
    row2 = logits + at2.to(tl.int64) * words
    label0 = tl.load(labels + at0)
    label1 = tl.load(labels + at1)
    label2 = tl.load(labels + at2)
    lse0, mean0 = _lse_and_mean(row0, words, BLOCK)
    _cross_entropy(row0, label0, lse0, mean0, smoothing, smoothed + at0, nll + at0)
    lse1 = lse0
    lse2 = lse0
    if STREAMS > 1:
        lse1, mean1 = _lse_and_mean(row1, words, BLOCK)
        _cross_entropy(row1, label1, lse1, mean1, smoothing, smoothed + at1, nll + at1)
        lse2 = lse1
    if STREAMS > 2:
        lse2, mean2 = _lse_and_mean(row2, words, BLOCK)
        _cross_entropy(row2, label2, lse2, mean2, smoothing, smoothed + at2, nll + at2)
    kl01 = 0.0
    kl10 = 0.0
    kl02 = 0.0
    kl20 = 0.0
    kl12 = 0.0
    kl21 = 0.0
    if PAIRS:
        for start in range(0, words, BLOCK):
            column = start + tl.arange(0, BLOCK)
            score0, p0 = _block(row0, column, words, lse0)
            score1, p1 = _block(row1, column, words, lse1)
            score2, p2 = _block(row2, column, words, lse2)
            kl01 += tl.sum(p0 * (score0 - score1))
            kl10 += tl.sum(p1 * (score1 - score0))
            kl02 += tl.sum(p0 * (score0 - score2))
            kl20 += tl.sum(p2 * (score2 - score0))
            kl12 += tl.sum(p1 * (score1 - score2))
            kl21 += tl.sum(p2 * (score2 - score1))
        tl.store(divergence + token, 0.5 * (kl01 + kl10))
        tl.store(divergence + tokens + token, 0.5 * (kl02 + kl20))
        tl.store(divergence + 2 * tokens + token, 0.5 * (kl12 + kl21))
    if GRADIENT:
        weight0 = tl.load(row_weights + at0).to(tl.float32)
        weight1 = tl.load(row_weights + at1).to(tl.float32)
        weight2 = tl.load(row_weights + at2).to(tl.float32)
        for start in range(0, words, BLOCK):
            column = start + tl.arange(0, BLOCK)
            inside = column < words
            uniform = smoothing / words
            score0, p0 = _block(row0, column, words, lse0)
            g0 = weight0 * (p0 - uniform - tl.where(column == label0, 1 - smoothing, 0.0))
            if PAIRS:
                score1, p1 = _block(row1, column, words, lse1)
                score2, p2 = _block(row2, column, words, lse2)
                g1 = weight1 * (p1 - uniform - tl.where(column == label1, 1 - smoothing, 0.0))
                g1 += 0.5 * w01 * _divergence_gradient(
                    p1, score1 - score0, kl10, p0
                ) + 0.5 * w12 * _divergence_gradient(p1, score1 - score2, kl12, p2)
                g0 += 0.5 * w01 * _divergence_gradient(
                    p0, score0 - score1, kl01, p1
                ) + 0.5 * w02 * _divergence_gradient(p0, score0 - score2, kl02, p2)
                tl.store(row1 + column, g1.to(logits.dtype.element_ty), mask=inside)
                if STREAMS > 2:
                    g2 = weight2 * (p2 - uniform - tl.where(column == label2, 1 - smoothing, 0.0))
                    g2 += 0.5 * w02 * _divergence_gradient(p2, score2 - score0, kl20, p0)
                    g2 += 0.5 * w12 * _divergence_gradient(p2, score2 - score1, kl21, p1)
                    tl.store(row2 + column, g2.to(logits.dtype.element_ty), mask=inside)
            tl.store(row0 + column, g0.to(logits.dtype.element_ty), mask=inside)

"""Losses and gradients of a chunk of logits in one Triton kernel, with one program per token for all its streams.

The logits of a token are read two or three times and written once; a chunk is small enough to stay in the L2 cache in
between. Axes: K streams (at most 3) that predict the same tokens, C tokens of the chunk, V vocabulary.
"""

import triton
import triton.language as tl
from torch import Tensor

_BLOCK = 2048
_MAX_STREAMS = 3


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
    margins: Tensor | None = None,
) -> None:
    """As `kernels.joint_loss.rows.score_rows`; raises ValueError for more than three streams."""
    streams, tokens, vocab_size = logits.shape
    if streams > _MAX_STREAMS:
        raise ValueError(f"the kernel supports at most {_MAX_STREAMS} streams, not {streams}")
    if not logits.is_contiguous():
        raise ValueError("logits must be contiguous: the kernel overwrites them with their gradients")
    pair_weights = dict.fromkeys([(0, 1), (0, 2), (1, 2)], 0.0)
    for i, j, weight in pairs:
        pair_weights[min(i, j), max(i, j)] += weight
    # cross_entropies: [2, K, C], smoothed and nll; divergences: [3, C], of the pairs in the order of pair_weights
    cross_entropies = smoothed.new_empty(2, streams, tokens)
    divergences = smoothed.new_empty(len(pair_weights), tokens)
    _score[(tokens,)](
        logits,
        labels.contiguous(),
        row_weights.contiguous(),
        # Without margins the pointer is not read.
        row_weights if margins is None else margins.contiguous(),
        *cross_entropies,
        divergences,
        tokens,
        vocab_size,
        *pair_weights.values(),
        smoothing,
        STREAMS=streams,
        PAIRS=bool(pairs),
        MARGINS=margins is not None,
        GRADIENT=gradient,
        BLOCK=min(_BLOCK, triton.next_power_of_2(vocab_size)),
        num_warps=8,
    )
    smoothed.copy_(cross_entropies[0])
    nll.copy_(cross_entropies[1])
    for row, (i, j, _) in zip(divergence, pairs):
        row.copy_(divergences[list(pair_weights).index((min(i, j), max(i, j)))])


@triton.jit
def _lse_and_mean(row_ptr, label, margin, vocab_size, BLOCK: tl.constexpr):
    """Log-sum-exp and mean of the logits [V] at row_ptr, that of the label lowered by a margin, in one pass."""
    row_max = -float("inf")
    sum_exp = 0.0
    sum_logits = 0.0
    for start in range(0, vocab_size, BLOCK):
        column = start + tl.arange(0, BLOCK)
        inside = column < vocab_size
        logits = tl.load(row_ptr + column, mask=inside, other=-float("inf")).to(tl.float32)
        logits = tl.where(column == label, logits - margin, logits)
        new_max = tl.maximum(row_max, tl.max(logits))
        sum_exp = sum_exp * tl.exp(row_max - new_max) + tl.sum(tl.exp(logits - new_max))
        row_max = new_max
        sum_logits += tl.sum(tl.where(inside, logits, 0.0))
    return row_max + tl.log(sum_exp), sum_logits / vocab_size


@triton.jit
def _lowered(row_ptr, column, label, margin, vocab_size, lse):
    """Probabilities [BLOCK] of one block of columns, with the label's logit lowered; zeros past the vocabulary."""
    inside = column < vocab_size
    logits = tl.load(row_ptr + column, mask=inside, other=0.0).to(tl.float32)
    return tl.where(inside, tl.exp(tl.where(column == label, logits - margin, logits) - lse), 0.0)


@triton.jit
def _block(row_ptr, column, vocab_size, lse):
    """Log-probabilities and probabilities [BLOCK] of one block of columns; zeros past the vocabulary."""
    inside = column < vocab_size
    log_p = tl.load(row_ptr + column, mask=inside, other=0.0).to(tl.float32) - lse
    return tl.where(inside, log_p, 0.0), tl.where(inside, tl.exp(log_p), 0.0)


@triton.jit
def _cross_entropy(row_ptr, label, margin, vocab_size, smoothing, smoothed_ptr, nll_ptr, BLOCK: tl.constexpr):
    """Store both losses of one row, whose logits must not have been overwritten yet; returns its log-sum-exp."""
    lse, mean = _lse_and_mean(row_ptr, label, margin, vocab_size, BLOCK)
    nll = lse - (tl.load(row_ptr + label).to(tl.float32) - margin)
    tl.store(nll_ptr, nll)
    tl.store(smoothed_ptr, (1 - smoothing) * nll + smoothing * (lse - mean))
    return lse


@triton.jit
def _divergence_gradient(p, log_ratio, kl, q):
    """Twice the gradient of J(p, q) with respect to the logits of p; log_ratio: log p - log q, kl: KL(p || q)."""
    return p * (log_ratio - kl) + p - q


@triton.jit
def _score(
    logits_ptr,
    labels_ptr,
    row_weights_ptr,
    margins_ptr,
    smoothed_ptr,
    nll_ptr,
    divergence_ptr,
    tokens,
    vocab_size,
    w01,
    w02,
    w12,
    smoothing,
    STREAMS: tl.constexpr,
    PAIRS: tl.constexpr,
    MARGINS: tl.constexpr,
    GRADIENT: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """All streams of one token; w01, w02, w12 are the weights of the pairs of streams.

    logits: [K, C, V]; labels, row_weights, margins, smoothed, nll: [K, C]; divergence: [3, C], of streams 0-1, 0-2 and
    1-2; all contiguous. ce0, ce1, ce2 and lse0, lse1, lse2: log-sum-exps with margins and without.
    """
    token = tl.program_id(0)
    # A missing stream aliases the last existing one; the weights of its pairs are 0.
    i0 = token
    i1 = token + (tokens if STREAMS > 1 else 0)
    i2 = (STREAMS - 1) * tokens + token
    row0_ptr = logits_ptr + i0.to(tl.int64) * vocab_size
    row1_ptr = logits_ptr + i1.to(tl.int64) * vocab_size
    row2_ptr = logits_ptr + i2.to(tl.int64) * vocab_size
    label0 = tl.load(labels_ptr + i0)
    label1 = tl.load(labels_ptr + i1)
    label2 = tl.load(labels_ptr + i2)
    margin0 = 0.0
    margin1 = 0.0
    margin2 = 0.0
    if MARGINS:
        margin0 = tl.load(margins_ptr + i0).to(tl.float32)
        margin1 = tl.load(margins_ptr + i1).to(tl.float32)
        margin2 = tl.load(margins_ptr + i2).to(tl.float32)
    ce0 = _cross_entropy(row0_ptr, label0, margin0, vocab_size, smoothing, smoothed_ptr + i0, nll_ptr + i0, BLOCK)
    ce1 = ce0
    ce2 = ce0
    if STREAMS > 1:
        ce1 = _cross_entropy(row1_ptr, label1, margin1, vocab_size, smoothing, smoothed_ptr + i1, nll_ptr + i1, BLOCK)
        ce2 = ce1
    if STREAMS > 2:
        ce2 = _cross_entropy(row2_ptr, label2, margin2, vocab_size, smoothing, smoothed_ptr + i2, nll_ptr + i2, BLOCK)
    lse0 = ce0
    lse1 = ce1
    lse2 = ce2
    if MARGINS and PAIRS:
        lse0, mean0 = _lse_and_mean(row0_ptr, label0, 0.0, vocab_size, BLOCK)
        lse1, mean1 = _lse_and_mean(row1_ptr, label1, 0.0, vocab_size, BLOCK)
        lse2, mean2 = _lse_and_mean(row2_ptr, label2, 0.0, vocab_size, BLOCK)
    kl01 = 0.0
    kl10 = 0.0
    kl02 = 0.0
    kl20 = 0.0
    kl12 = 0.0
    kl21 = 0.0
    if PAIRS:
        for start in range(0, vocab_size, BLOCK):
            column = start + tl.arange(0, BLOCK)
            log_p0, p0 = _block(row0_ptr, column, vocab_size, lse0)
            log_p1, p1 = _block(row1_ptr, column, vocab_size, lse1)
            log_p2, p2 = _block(row2_ptr, column, vocab_size, lse2)
            kl01 += tl.sum(p0 * (log_p0 - log_p1))
            kl10 += tl.sum(p1 * (log_p1 - log_p0))
            kl02 += tl.sum(p0 * (log_p0 - log_p2))
            kl20 += tl.sum(p2 * (log_p2 - log_p0))
            kl12 += tl.sum(p1 * (log_p1 - log_p2))
            kl21 += tl.sum(p2 * (log_p2 - log_p1))
        tl.store(divergence_ptr + token, 0.5 * (kl01 + kl10))
        tl.store(divergence_ptr + tokens + token, 0.5 * (kl02 + kl20))
        tl.store(divergence_ptr + 2 * tokens + token, 0.5 * (kl12 + kl21))
    if GRADIENT:
        weight0 = tl.load(row_weights_ptr + i0).to(tl.float32)
        weight1 = tl.load(row_weights_ptr + i1).to(tl.float32)
        weight2 = tl.load(row_weights_ptr + i2).to(tl.float32)
        for start in range(0, vocab_size, BLOCK):
            column = start + tl.arange(0, BLOCK)
            inside = column < vocab_size
            uniform = smoothing / vocab_size
            log_p0, p0 = _block(row0_ptr, column, vocab_size, lse0)
            q0 = _lowered(row0_ptr, column, label0, margin0, vocab_size, ce0) if MARGINS else p0
            d_logits0 = weight0 * (q0 - uniform - tl.where(column == label0, 1 - smoothing, 0.0))
            if PAIRS:
                log_p1, p1 = _block(row1_ptr, column, vocab_size, lse1)
                log_p2, p2 = _block(row2_ptr, column, vocab_size, lse2)
                q1 = _lowered(row1_ptr, column, label1, margin1, vocab_size, ce1) if MARGINS else p1
                d_logits1 = weight1 * (q1 - uniform - tl.where(column == label1, 1 - smoothing, 0.0))
                d_logits1 += 0.5 * w01 * _divergence_gradient(
                    p1, log_p1 - log_p0, kl10, p0
                ) + 0.5 * w12 * _divergence_gradient(p1, log_p1 - log_p2, kl12, p2)
                d_logits0 += 0.5 * w01 * _divergence_gradient(
                    p0, log_p0 - log_p1, kl01, p1
                ) + 0.5 * w02 * _divergence_gradient(p0, log_p0 - log_p2, kl02, p2)
                tl.store(row1_ptr + column, d_logits1.to(logits_ptr.dtype.element_ty), mask=inside)
                if STREAMS > 2:
                    q2 = _lowered(row2_ptr, column, label2, margin2, vocab_size, ce2) if MARGINS else p2
                    d_logits2 = weight2 * (q2 - uniform - tl.where(column == label2, 1 - smoothing, 0.0))
                    d_logits2 += 0.5 * w02 * _divergence_gradient(p2, log_p2 - log_p0, kl20, p0)
                    d_logits2 += 0.5 * w12 * _divergence_gradient(p2, log_p2 - log_p1, kl21, p1)
                    tl.store(row2_ptr + column, d_logits2.to(logits_ptr.dtype.element_ty), mask=inside)
            tl.store(row0_ptr + column, d_logits0.to(logits_ptr.dtype.element_ty), mask=inside)

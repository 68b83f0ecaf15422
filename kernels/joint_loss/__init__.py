"""Fused output projection, cross entropies and divergences of all streams, without materialising all logits.

Logits are computed in chunks. Each chunk is turned into losses and, in place, into the gradient of the total, from
which the gradients of hidden and vocabulary are accumulated before the next chunk is computed. The scheme is that of
Liger-Kernel's fused linear cross entropy, extended to aligned streams and their symmetric divergences.
Axes: R rows, of which the first K * M are K streams that predict the same M tokens; D model, V vocabulary, E pairs of
streams; C tokens of a chunk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from kernels.backend import product_type, uses_triton
from kernels.joint_loss import native_rows
from kernels.joint_loss.rows import score_rows

# Bytes of float32 logits per chunk: few on a CPU, where they must fit into the cache; on a GPU, enough for matrix
# products to run at full speed.
_CHUNK = {"cpu": 64 << 20, "cuda": 256 << 20}

Pairs = list[tuple[int, int, float]]


def joint_loss(
    hidden: Tensor,
    vocabulary: Tensor,
    labels: Tensor,
    row_weights: Tensor,
    tokens: int,
    pairs: Pairs,
    smoothing: float,
    margins: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """sum(row_weights * label-smoothed cross entropy) + sum over pairs and tokens of weight * J(stream i, stream j).

    hidden: [R, D]. vocabulary: [V, D], the output embedding. labels, row_weights: [R]. tokens: M.
    pairs: (i, j, weight) of aligned streams; J is half the sum of both Kullback-Leibler divergences.
    smoothing: the probability mass spread uniformly over all V words, including the label.
    margins: [R] numbers subtracted from the logit of the label before the softmax of the cross entropies; they have a
    gradient. The divergences read the plain distributions.

    Returns the total and, detached, its parts: smoothed cross entropy [R], negative log-likelihood [R], and J [E, M].
    Matrix products run in the dtype of autocast if it is enabled, everything else in float32. Raises ValueError if
    there are fewer rows than `pairs` refers to.
    """
    if _streams(pairs) * tokens > hidden.size(0):
        raise ValueError(f"{hidden.size(0)} rows cannot hold {_streams(pairs)} streams of {tokens} tokens")
    dtype = product_type(hidden)
    needs_grad = torch.is_grad_enabled() and (hidden.requires_grad or vocabulary.requires_grad)
    if margins is None:
        margins = hidden.new_empty(0, dtype=torch.float)
    elif margins.shape != labels.shape:
        raise ValueError(f"{margins.numel()} margins for {labels.numel()} rows")
    first, second, weights = ([pair[index] for pair in pairs] for index in range(3))
    results = _joint_loss(
        hidden, vocabulary, labels, row_weights, margins, tokens, first, second, weights, smoothing, dtype, needs_grad
    )
    return results[0], *(result.detach() for result in results[1:4])


def _streams(pairs: Pairs) -> int:
    streams = [stream for first, second, _ in pairs for stream in (first, second)]
    return 1 + max(streams) if streams else 0


@torch.library.custom_op("janus::joint_loss", mutates_args=())
def _joint_loss(
    hidden: Tensor,
    vocabulary: Tensor,
    labels: Tensor,
    row_weights: Tensor,
    margins: Tensor,
    tokens: int,
    first: list[int],
    second: list[int],
    weights: list[float],
    smoothing: float,
    dtype: torch.dtype,
    needs_grad: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """total, smoothed [R], nll [R], divergence [E, M], and R times d_hidden [R, D], d_vocabulary [V, D], d_margins.

    margins and d_margins: [R], or [0] where no logit is lowered.
    """
    acc_dtype = torch.promote_types(hidden.dtype, torch.float32)
    # x: [R, D] and w: [V, D] are the operands of the matrix products.
    x, w = hidden.to(dtype), vocabulary.to(dtype)
    smoothed, nll = (hidden.new_empty(hidden.size(0), dtype=acc_dtype) for _ in range(2))
    divergence = hidden.new_empty(len(first), tokens, dtype=acc_dtype)
    d_hidden = x.new_empty(x.shape if needs_grad else 0)
    d_vocabulary = w.new_zeros(w.shape if needs_grad else 0, dtype=acc_dtype)
    # The gradient of one row among thousands would underflow in float16, so gradients are scaled by the number of rows.
    scale = max(hidden.size(0), 1)
    row_weights = row_weights.to(acc_dtype) * scale
    has_margins, lowered = bool(margins.numel()), margins.to(acc_dtype)
    score = _scorer(x)
    pairs = [(i, j, weight * scale) for i, j, weight in zip(first, second, weights)]
    with torch.autocast(hidden.device.type, enabled=False):
        for chunk in _chunks(hidden.size(0), vocabulary.size(0), tokens, pairs, _CHUNK[hidden.device.type]):
            # h: [K, C, D]; logits: [K, C, V], replaced in place by their gradient
            h = chunk.of(x)
            logits = h @ w.T
            losses = chunk.of(smoothed), chunk.of(nll), divergence[:, chunk.tokens]
            margin = chunk.of(lowered) if has_margins else None
            score(logits, chunk.of(labels), chunk.of(row_weights), chunk.pairs, smoothing, *losses, needs_grad, margin)
            if needs_grad:
                chunk.of(d_hidden).copy_(logits @ w)
                _accumulate(d_vocabulary, logits.flatten(0, 1), h.flatten(0, 1))
    total = (row_weights * smoothed).sum()
    for (_, _, weight), row in zip(pairs, divergence):
        total = total + weight * row.sum()
    # What reaches the margin is the opposite of the cross entropy's gradient of the label's logit.
    d_margins = row_weights * (1 - smoothing + smoothing / vocabulary.size(0) - torch.exp(-nll))
    return total / scale, smoothed, nll, divergence, d_hidden, d_vocabulary, d_margins[: margins.numel()].clone()


def _accumulate(d_vocabulary: Tensor, d_logits: Tensor, h: Tensor) -> None:
    """d_vocabulary [V, D] += d_logits^T h, for d_logits [K * C, V] and h [K * C, D] in a possibly narrower dtype."""
    if d_vocabulary.dtype == h.dtype:
        d_vocabulary.addmm_(d_logits.T, h)
    else:
        d_vocabulary.add_(d_logits.T @ h)


def _scorer(rows: Tensor) -> Callable[..., None]:
    """The function that turns logits into losses and gradients, for the device and the dtype of `rows`."""
    if not uses_triton(rows.device):
        return native_rows.score_rows if native_rows.supports(rows) else score_rows
    from kernels.joint_loss import triton_rows

    return triton_rows.score_rows


@_joint_loss.register_fake
def _(hidden, vocabulary, labels, row_weights, margins, tokens, first, second, weights, smoothing, dtype, needs_grad):
    acc_dtype = torch.promote_types(hidden.dtype, torch.float32)
    losses = (hidden.new_empty(hidden.size(0), dtype=acc_dtype) for _ in range(2))
    divergence = hidden.new_empty(len(first), tokens, dtype=acc_dtype)
    dtypes = zip((hidden, vocabulary), (dtype, acc_dtype))
    grads = (x.new_empty(x.shape if needs_grad else 0, dtype=dtype) for x, dtype in dtypes)
    d_margins = margins.new_empty(margins.shape, dtype=acc_dtype)
    return hidden.new_empty((), dtype=acc_dtype), *losses, divergence, *grads, d_margins


def _setup_context(ctx, inputs, output) -> None:
    ctx.save_for_backward(*output[4:])
    ctx.dtypes = [x.dtype for x in (*inputs[:2], inputs[4])]
    ctx.set_materialize_grads(False)


def _backward(ctx, d_total, *_):
    if d_total is None:
        return (None,) * 12
    rows = max(ctx.saved_tensors[0].size(0), 1)
    hidden, vocabulary, margins = ((x * (d_total / rows)).to(dtype) for x, dtype in zip(ctx.saved_tensors, ctx.dtypes))
    return hidden, vocabulary, None, None, margins, *[None] * 7


_joint_loss.register_autograd(_backward, setup_context=_setup_context)


@dataclass(frozen=True)
class _Chunk:
    """The slice `tokens` of each of the `streams` streams, of equal length, that make up the slice `rows`."""

    rows: slice
    streams: int
    tokens: slice
    pairs: Pairs

    def of(self, x: Tensor) -> Tensor:
        """[R, ...] -> a view [K, C, ...]"""
        return x[self.rows].unflatten(0, (self.streams, -1))[:, self.tokens]


def _chunks(rows: int, vocab_size: int, tokens: int, pairs: Pairs, size: int) -> Iterator[_Chunk]:
    """First the aligned rows, with all streams of a token in the same chunk, then the others."""
    aligned = _streams(pairs) * tokens
    groups: tuple[tuple[slice, int, Pairs], ...] = (
        (slice(0, aligned), _streams(pairs), pairs),
        (slice(aligned, rows), 1, []),
    )
    for group, streams, group_pairs in groups:
        if group.start < group.stop:
            length = (group.stop - group.start) // streams
            step = max(1, size // (4 * vocab_size * streams))
            for start in range(0, length, step):
                yield _Chunk(group, streams, slice(start, min(start + step, length)), group_pairs)

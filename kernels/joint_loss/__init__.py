"""Cross entropies and divergences of all streams from hidden rows, without materialising all logits.

Logits are computed in chunks. Each chunk is turned into losses and, in place, into the gradient of the total, from
which the gradients of hidden rows and vocabulary are accumulated before the next chunk is computed. The scheme is that
of Liger-Kernel's fused linear cross entropy, here over aligned streams and their symmetric divergences.
Axes: R rows, of which the first K * M are K streams that predict the same M tokens; D hidden, V vocabulary, E pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from kernels.backend import product_type, uses_triton
from kernels.joint_loss import native_rows
from kernels.joint_loss.rows import score_rows

# Bytes of float32 logits per chunk: few on a CPU, where they must fit the cache; on a GPU enough for matrix products to
# run at full speed.
_CHUNK = {"cpu": 64 << 20, "cuda": 256 << 20}

Pairs = list[tuple[int, int, float]]


def joint_loss(
    hidden: Tensor, vocabulary: Tensor, labels: Tensor, row_weights: Tensor, tokens: int, pairs: Pairs, smoothing: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """sum(row_weights * label-smoothed cross entropy) + sum over pairs and tokens of weight * J(stream i, stream j).

    hidden: [R, D]. vocabulary: [V, D], the shared output embedding. labels, row_weights: [R]. tokens: M.
    pairs: (i, j, weight) of aligned streams; J is half the sum of both Kullback-Leibler divergences.
    smoothing: the share spread evenly over all V words, including the gold one.

    Returns the total and, detached, its parts: smoothed cross entropy and negative log-likelihood of each row [R], J of
    each pair and token [E, M]. Products run in the type of autocast if it is on, everything else in float32. Raises
    ValueError if there are fewer rows than `pairs` refers to.
    """
    if _streams(pairs) * tokens > hidden.size(0):
        raise ValueError(f"{hidden.size(0)} rows cannot hold {_streams(pairs)} streams of {tokens} tokens")
    product = product_type(hidden)
    learns = torch.is_grad_enabled() and (hidden.requires_grad or vocabulary.requires_grad)
    first, second, weights = ([pair[part] for pair in pairs] for part in range(3))
    results = _joint_loss(
        hidden, vocabulary, labels, row_weights, tokens, first, second, weights, smoothing, product, learns
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
    tokens: int,
    first: list[int],
    second: list[int],
    weights: list[float],
    smoothing: float,
    product: torch.dtype,
    learns: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Total, smoothed [R], nll [R], divergence [E, M], and R times the gradients of hidden and vocabulary."""
    exact = torch.promote_types(hidden.dtype, torch.float32)
    rows, words = hidden.to(product), vocabulary.to(product)
    smoothed, nll = (hidden.new_empty(hidden.size(0), dtype=exact) for _ in range(2))
    divergence = hidden.new_empty(len(first), tokens, dtype=exact)
    d_rows = rows.new_empty(rows.shape if learns else 0)
    d_words = words.new_zeros(words.shape if learns else 0, dtype=exact)
    # With thousands of rows, the gradient of one row would underflow in float16; it is scaled by their number.
    scale = max(hidden.size(0), 1)
    row_weights = row_weights.to(exact) * scale
    score = _scorer(rows)
    pairs = [(i, j, weight * scale) for i, j, weight in zip(first, second, weights)]
    with torch.autocast(hidden.device.type, enabled=False):
        for chunk in _chunks(hidden.size(0), vocabulary.size(0), tokens, pairs, _CHUNK[hidden.device.type]):
            # part: [K, C, D]; logits, in the end their gradient: [K, C, V]
            part = chunk.of(rows)
            logits = part @ words.T
            losses = chunk.of(smoothed), chunk.of(nll), divergence[:, chunk.tokens]
            score(logits, chunk.of(labels), chunk.of(row_weights), chunk.pairs, smoothing, *losses, learns)
            if learns:
                chunk.of(d_rows).copy_(logits @ words)
                _accumulate(d_words, logits.flatten(0, 1), part.flatten(0, 1))
    total = (row_weights * smoothed).sum()
    for (_, _, weight), row in zip(pairs, divergence):
        total = total + weight * row.sum()
    return total / scale, smoothed, nll, divergence, d_rows, d_words


def _accumulate(d_words: Tensor, d_logits: Tensor, rows: Tensor) -> None:
    """Add a chunk's gradient of the words: d_logits [R', V], rows [R', D], d_words [V, D] in float32 or wider."""
    if d_words.dtype == rows.dtype:
        d_words.addmm_(d_logits.T, rows)
    else:
        d_words.add_(d_logits.T @ rows)


def _scorer(rows: Tensor) -> Callable[..., None]:
    """The function that turns logits into losses and gradients, for the device and the type of `rows`."""
    if not uses_triton(rows.device):
        return native_rows.score_rows if native_rows.supports(rows) else score_rows
    from kernels.joint_loss import triton_rows

    return triton_rows.score_rows


@_joint_loss.register_fake
def _(hidden, vocabulary, labels, row_weights, tokens, first, second, weights, smoothing, product, learns):
    exact = torch.promote_types(hidden.dtype, torch.float32)
    losses = (hidden.new_empty(hidden.size(0), dtype=exact) for _ in range(2))
    divergence = hidden.new_empty(len(first), tokens, dtype=exact)
    kinds = zip((hidden, vocabulary), (product, exact))
    gradients = (x.new_empty(x.shape if learns else 0, dtype=kind) for x, kind in kinds)
    return hidden.new_empty((), dtype=exact), *losses, divergence, *gradients


def _keep_gradients(ctx, inputs, output) -> None:
    ctx.save_for_backward(*output[4:])
    ctx.kinds = [x.dtype for x in inputs[:2]]
    ctx.set_materialize_grads(False)


def _backward(ctx, d_total, *_):
    if d_total is None:
        return (None,) * 11
    rows = max(ctx.saved_tensors[0].size(0), 1)
    gradients = [(x * (d_total / rows)).to(kind) for x, kind in zip(ctx.saved_tensors, ctx.kinds)]
    return *gradients, *[None] * 9


_joint_loss.register_autograd(_backward, setup_context=_keep_gradients)


@dataclass(frozen=True)
class _Chunk:
    """The tokens `tokens` of the rows `rows`, which are `streams` streams of equal length one after another."""

    rows: slice
    streams: int
    tokens: slice
    pairs: Pairs

    def of(self, x: Tensor) -> Tensor:
        """[R, ...] -> a view [K, C, ...]"""
        return x[self.rows].unflatten(0, (self.streams, -1))[:, self.tokens]


def _chunks(rows: int, words: int, tokens: int, pairs: Pairs, size: int) -> Iterator[_Chunk]:
    """First the aligned rows, with all streams of a token in the same chunk, then the others."""
    aligned = _streams(pairs) * tokens
    for part, streams, of_part in ((slice(0, aligned), _streams(pairs), pairs), (slice(aligned, rows), 1, [])):
        if part.start < part.stop:
            length = (part.stop - part.start) // streams
            step = max(1, size // (4 * words * streams))
            for start in range(0, length, step):
                yield _Chunk(part, streams, slice(start, min(start + step, length)), of_part)

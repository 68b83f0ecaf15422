"""Span attention: packed rows of many sentences, each of which sees one or two intervals of key rows.

The streams of joint training need no mask tensor: with the content of a sentence laid out as AR content, observed,
masked, gold, every row of every stream sees at most two intervals of it (`janus.streams`). So do the rows of an
encoder and of a cross-attention. Axes: P query rows, C key rows, H heads, E head size.
"""

from __future__ import annotations

import torch
from torch import Tensor


def span_attention(q: Tensor, k: Tensor, v: Tensor, spans: Tensor, askers: Tensor, dropout: float = 0.0) -> Tensor:
    """Scaled dot-product attention of rows q [P, H, E] over rows k, v [C, H, E]; returns [P, H, E].

    spans: [P, 4] int32, the half-open intervals [a, b), [c, d) of key rows that a query row sees; they do not overlap.
    askers: [C, 4] int32, two intervals of query rows that hold every row that sees a key, and may hold others; all
    first intervals lie before all second ones.
    dropout: share of the probabilities that is zeroed, seeded from torch's generator.
    Rows that see nothing give zeros. Runs in Triton on every device (on a processor: in its interpreter).
    Raises ValueError where shapes do not agree.
    """
    rows, keys = q.size(0), k.size(0)
    if k.shape != v.shape or q.shape[1:] != k.shape[1:] or spans.shape != (rows, 4) or askers.shape != (keys, 4):
        shapes = ", ".join(str(list(x.shape)) for x in (q, k, v, spans, askers))
        raise ValueError(f"q, k, v, spans, askers do not agree: {shapes}")
    seed = torch.randint(2**31, (1,), device=q.device, dtype=torch.int64) if dropout else spans.new_zeros(1).long()
    return _span_attention(*(x.contiguous() for x in (q, k, v, spans, askers)), dropout, seed)[0]


@torch.library.custom_op("janus::span_attention", mutates_args=())
def _span_attention(
    q: Tensor, k: Tensor, v: Tensor, spans: Tensor, askers: Tensor, dropout: float, seed: Tensor
) -> tuple[Tensor, Tensor]:
    """Attended rows [P, H, E] and the log of each row's softmax sum [P, H]."""
    from kernels.attention import triton_spans

    return triton_spans.forward(q, k, v, spans, dropout, seed)


@_span_attention.register_fake
def _(q, k, v, spans, askers, dropout, seed):
    return torch.empty_like(q), q.new_empty(q.shape[:2], dtype=torch.float32)


@torch.library.custom_op("janus::span_attention_backward", mutates_args=())
def _span_attention_backward(
    d_out: Tensor,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    spans: Tensor,
    askers: Tensor,
    out: Tensor,
    log_sum: Tensor,
    dropout: float,
    seed: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients in q, k and v."""
    from kernels.attention import triton_spans

    return triton_spans.backward(d_out, q, k, v, spans, askers, out, log_sum, dropout, seed)


@_span_attention_backward.register_fake
def _(d_out, q, k, v, spans, askers, out, log_sum, dropout, seed):
    return torch.empty_like(q), torch.empty_like(k), torch.empty_like(v)


def _keep(ctx, inputs, output) -> None:
    *tensors, ctx.dropout, seed = inputs
    ctx.save_for_backward(*tensors, seed, *output)
    ctx.set_materialize_grads(False)


def _backward(ctx, d_out, _):
    if d_out is None:
        return (None,) * 7
    q, k, v, spans, askers, seed, out, log_sum = ctx.saved_tensors
    gradients = _span_attention_backward(d_out.contiguous(), q, k, v, spans, askers, out, log_sum, ctx.dropout, seed)
    return *gradients, None, None, None, None


_span_attention.register_autograd(_backward, setup_context=_keep)

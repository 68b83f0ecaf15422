"""Span attention over packed sequences: each query row attends to one or two intervals of key rows.

The streams of joint training need no mask tensor: with the content of a sentence in the order AR content, observed,
masked, gold, every row of every stream sees at most two intervals of it (`janus.model.streams`). So do the rows of an
encoder and of cross-attention. Axes: P query rows, C key rows, H heads, E head size.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import torch
from torch import Tensor

from kernels.attention import native_spans
from kernels.backend import uses_triton


def span_attention(
    q: Tensor, k: Tensor, v: Tensor, spans: Tensor, query_spans: Tensor | None, dropout: float = 0.0
) -> Tensor:
    """Scaled dot-product attention of rows q [P, H, E] over rows k, v [C, H, E]; returns [P, H, E].

    spans: [P, 4] int32, for each query row the half-open intervals [a, b), [c, d) of key rows that it sees; they are
    disjoint.
    query_spans: [C, 4] int32, for each key row two intervals that cover all query rows that see it, and possibly
    others; all first intervals come before all second ones. A CPU does not need it: None.
    dropout: the probability of zeroing an attention probability, seeded from torch's generator.
    The output of a row that sees nothing is zero. Runs in Triton on a GPU, in C++ on a CPU.
    Raises ValueError if the shapes do not agree, or if query_spans is None on a GPU.
    """
    rows, keys = q.size(0), k.size(0)
    if query_spans is None:
        if uses_triton(q.device):
            raise ValueError("the GPU kernels need query_spans")
        query_spans = spans.new_empty(keys, 4)
    if k.shape != v.shape or q.shape[1:] != k.shape[1:] or spans.shape != (rows, 4) or query_spans.shape != (keys, 4):
        shapes = ", ".join(str(list(x.shape)) for x in (q, k, v, spans, query_spans))
        raise ValueError(f"q, k, v, spans, query_spans do not agree: {shapes}")
    seed = torch.randint(2**31, (1,), device=q.device, dtype=torch.int64) if dropout else spans.new_zeros(1).long()
    inputs = *(x.contiguous() for x in (q, k, v, spans, query_spans)), dropout, seed
    # torch.compile needs a registered operator; outside of it, an autograd.Function has less overhead per call.
    return (_span_attention if torch.compiler.is_compiling() else _SpanAttention.apply)(*inputs)[0]


def _implementation(device: torch.device) -> ModuleType:
    """The module with the kernels for this device."""
    if not uses_triton(device):
        return native_spans
    from kernels.attention import triton_spans

    return triton_spans


@torch.library.custom_op("janus::span_attention", mutates_args=())
def _span_attention(
    q: Tensor, k: Tensor, v: Tensor, spans: Tensor, query_spans: Tensor, dropout: float, seed: Tensor
) -> tuple[Tensor, Tensor]:
    """out [P, H, E] and lse [P, H], the log-sum-exp of the scores of each row, in float32."""
    return _implementation(q.device).forward(q, k, v, spans, dropout, seed)


@_span_attention.register_fake
def _(q, k, v, spans, query_spans, dropout, seed):
    return torch.empty_like(q), q.new_empty(q.shape[:2], dtype=torch.float32)


@torch.library.custom_op("janus::span_attention_backward", mutates_args=())
def _span_attention_backward(
    d_out: Tensor,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    spans: Tensor,
    query_spans: Tensor,
    out: Tensor,
    lse: Tensor,
    dropout: float,
    seed: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """d_q, d_k and d_v."""
    return _implementation(q.device).backward(d_out, q, k, v, spans, query_spans, out, lse, dropout, seed)


@_span_attention_backward.register_fake
def _(d_out, q, k, v, spans, query_spans, out, lse, dropout, seed):
    return torch.empty_like(q), torch.empty_like(k), torch.empty_like(v)


def _setup_context(ctx, inputs, output) -> None:
    *tensors, ctx.dropout, seed = inputs
    ctx.save_for_backward(*tensors, seed, *output)
    ctx.set_materialize_grads(False)


def _gradients(ctx, d_out: Tensor | None, backward: Callable[..., tuple[Tensor, ...]]) -> tuple[Tensor | None, ...]:
    if d_out is None:
        return (None,) * 7
    q, k, v, spans, query_spans, seed, out, lse = ctx.saved_tensors
    gradients = backward(d_out.contiguous(), q, k, v, spans, query_spans, out, lse, ctx.dropout, seed)
    return *gradients, None, None, None, None


_span_attention.register_autograd(
    lambda ctx, d_out, _: _gradients(ctx, d_out, _span_attention_backward), setup_context=_setup_context
)


class _SpanAttention(torch.autograd.Function):
    """The same without the dispatcher of a registered operator."""

    @staticmethod
    def forward(ctx, *inputs):
        """As `_span_attention`."""
        q, k, v, spans, _, dropout, seed = inputs
        output = _implementation(q.device).forward(q, k, v, spans, dropout, seed)
        ctx.mark_non_differentiable(output[1])
        _setup_context(ctx, inputs, output)
        return output

    @staticmethod
    def backward(ctx, d_out, _):
        """d_q, d_k and d_v."""
        return _gradients(ctx, d_out, _implementation(ctx.saved_tensors[0].device).backward)

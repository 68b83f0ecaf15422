"""Span attention in Triton: one kernel forward, two backward (queries, then keys and values), no atomics.

Axes: P query rows, C key rows, H heads, E head size. Each program owns a tile of rows of one head and loops over the
tiles of the other side that its rows can see. No tensor of size P x C is materialised.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

_TILE = 64


def forward(q: Tensor, k: Tensor, v: Tensor, spans: Tensor, dropout: float, seed: Tensor) -> tuple[Tensor, Tensor]:
    """The output [P, H, E] and the log-sum-exp of each row [P, H]; q, k, v are contiguous."""
    out = torch.empty_like(q)
    lse = q.new_empty(q.shape[:2], dtype=torch.float32)
    _forward[(triton.cdiv(q.size(0), _TILE), q.size(1))](
        q, k, v, spans, out, lse, seed, q.size(0), k.size(0), q.size(-1) ** -0.5, dropout, **_sizes(q, dropout)
    )
    return out, lse


def backward(
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
    """dq, dk and dv."""
    delta = (d_out.float() * out.float()).sum(-1)
    dq, dk, dv = torch.empty_like(q), torch.empty_like(k), torch.empty_like(v)
    shared = (q, k, v, spans)
    rest = (d_out, lse, delta, seed)
    numbers = (q.size(0), k.size(0), q.size(-1) ** -0.5, dropout)
    _backward_queries[(triton.cdiv(q.size(0), _TILE), q.size(1))](*shared, *rest, dq, *numbers, **_sizes(q, dropout))
    _backward_keys[(triton.cdiv(k.size(0), _TILE), q.size(1))](
        *shared, query_spans, *rest, dk, dv, *numbers, **_sizes(q, dropout)
    )
    return dq, dk, dv


def _sizes(q: Tensor, dropout: float) -> dict[str, object]:
    size = q.size(-1)
    return dict(
        HEADS=q.size(1),
        SIZE=size,
        PADDED=max(16, triton.next_power_of_2(size)),
        TILE=_TILE,
        DROPOUT=dropout > 0,
        # TF32 would round float32 inputs to 10 bits of mantissa, so float32 is computed exactly.
        # Triton's interpreter would multiply the bit patterns of bfloat16; on a CPU it is widened first.
        PRECISION="ieee" if q.dtype == torch.float32 or (q.is_cpu and q.dtype == torch.bfloat16) else "tf32",
        num_warps=4 if size <= 64 else 8,
        num_stages=2,
    )


@triton.jit
def _load_rows(base_ptr, row, head, rows, HEADS: tl.constexpr, SIZE: tl.constexpr, PADDED: tl.constexpr):
    """Rows [TILE, PADDED] of one head; zeros out of bounds."""
    unit = tl.arange(0, PADDED)
    at = (row.to(tl.int64)[:, None] * HEADS + head) * SIZE + unit[None]
    return tl.load(base_ptr + at, mask=(row[:, None] < rows) & (unit[None] < SIZE), other=0.0)


@triton.jit
def _store_rows(base_ptr, values, row, head, rows, HEADS: tl.constexpr, SIZE: tl.constexpr, PADDED: tl.constexpr):
    unit = tl.arange(0, PADDED)
    at = (row.to(tl.int64)[:, None] * HEADS + head) * SIZE + unit[None]
    tl.store(base_ptr + at, values.to(base_ptr.dtype.element_ty), mask=(row[:, None] < rows) & (unit[None] < SIZE))


@triton.jit
def _load_spans(spans_ptr, row, rows):
    """The two intervals of each row; empty for rows out of bounds."""
    inside = row < rows
    at = spans_ptr + row.to(tl.int64) * 4
    start0 = tl.load(at, mask=inside, other=0)
    end0 = tl.load(at + 1, mask=inside, other=0)
    start1 = tl.load(at + 2, mask=inside, other=0)
    end1 = tl.load(at + 3, mask=inside, other=0)
    return start0, end0, start1, end1


@triton.jit
def _reach(start0, end0, start1, end1, none):
    """The smallest range that covers all intervals of a tile; empty intervals are ignored."""
    begin = tl.minimum(tl.where(end0 > start0, start0, none), tl.where(end1 > start1, start1, none))
    end = tl.maximum(tl.where(end0 > start0, end0, 0), tl.where(end1 > start1, end1, 0))
    return tl.min(begin), tl.max(end)


@triton.jit
def _dot(a, b, PRECISION: tl.constexpr):
    """Matrix product, accumulated in float32."""
    if PRECISION == "ieee":
        a = a.to(tl.float32)
        b = b.to(tl.float32)
    return tl.dot(a, b, input_precision=PRECISION)


@triton.jit
def _mask(key, start0, end0, start1, end1):
    """Whether a row sees a key: boolean [rows, keys]."""
    first = (key[None] >= start0[:, None]) & (key[None] < end0[:, None])
    second = (key[None] >= start1[:, None]) & (key[None] < end1[:, None])
    return first | second


@triton.jit
def _dropout_factors(seed_ptr, row, key, head, dropout, DROPOUT: tl.constexpr):
    """Dropout factors [rows, keys], a function of seed, head, row and key: the same in every kernel."""
    zero = (row[:, None] + key[None]).to(tl.uint32) * 0
    factor = zero.to(tl.float32) + 1.0
    if DROPOUT:
        by_key = zero + key[None].to(tl.uint32)
        by_row = zero + row[:, None].to(tl.uint32)
        bits, _, _, _ = tl.philox(tl.load(seed_ptr), by_key, by_row, zero + head.to(tl.uint32), zero, 7)
        uniform = (bits >> 8).to(tl.float32) * (1.0 / 16777216.0)
        factor = tl.where(uniform >= dropout, 1.0 / (1.0 - dropout), 0.0)
    return factor


@triton.jit
def _load_queries(
    q_ptr, d_out_ptr, lse_ptr, delta_ptr, row, head, rows, HEADS: tl.constexpr, SIZE: tl.constexpr, PADDED: tl.constexpr
):
    """What the backward passes read of query rows: q and d_out [TILE, PADDED], lse and delta [TILE]."""
    inside = row < rows
    at = row.to(tl.int64) * HEADS + head
    q = _load_rows(q_ptr, row, head, rows, HEADS, SIZE, PADDED)
    d_out = _load_rows(d_out_ptr, row, head, rows, HEADS, SIZE, PADDED)
    lse = tl.load(lse_ptr + at, mask=inside, other=float("inf"))
    delta = tl.load(delta_ptr + at, mask=inside, other=0.0)
    return q, d_out, lse, delta


@triton.jit
def _score_gradients(q, d_out, lse, delta, k, v, mask, factor, scale, PRECISION: tl.constexpr):
    """Probabilities p [rows, keys], recomputed from lse, and the gradients of the products of q and k."""
    s = _dot(q, tl.trans(k), PRECISION) * scale
    p = tl.exp(tl.where(mask, s - lse[:, None], -float("inf")))
    dp = _dot(d_out, tl.trans(v), PRECISION) * factor
    return p, p * (dp - delta[:, None]) * scale


@triton.jit
def _forward(
    q_ptr,
    k_ptr,
    v_ptr,
    spans_ptr,
    out_ptr,
    lse_ptr,
    seed_ptr,
    rows,
    keys,
    scale,
    dropout,
    HEADS: tl.constexpr,
    SIZE: tl.constexpr,
    PADDED: tl.constexpr,
    TILE: tl.constexpr,
    DROPOUT: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """Forward pass: one tile of query rows over all tiles of keys that any of them sees, with an online softmax."""
    row = tl.program_id(0) * TILE + tl.arange(0, TILE)
    head = tl.program_id(1)
    q = _load_rows(q_ptr, row, head, rows, HEADS, SIZE, PADDED)
    start0, end0, start1, end1 = _load_spans(spans_ptr, row, rows)
    begin, end = _reach(start0, end0, start1, end1, keys)
    row_max = tl.full([TILE], -float("inf"), tl.float32)
    row_sum = tl.zeros([TILE], tl.float32)
    acc = tl.zeros([TILE, PADDED], tl.float32)
    for first in range(begin, end, TILE):
        key = first + tl.arange(0, TILE)
        mask = _mask(key, start0, end0, start1, end1)
        if tl.max(mask.to(tl.int32)) > 0:
            k = _load_rows(k_ptr, key, head, keys, HEADS, SIZE, PADDED)
            v = _load_rows(v_ptr, key, head, keys, HEADS, SIZE, PADDED)
            s = _dot(q, tl.trans(k), PRECISION) * scale
            s = tl.where(mask, s, -float("inf"))
            new_max = tl.maximum(row_max, tl.max(s, 1))
            # A row without a visible key so far has a maximum of -inf; any finite number keeps its exponentials at 0.
            stable = tl.where(new_max == -float("inf"), 0.0, new_max)
            p = tl.exp(s - stable[:, None])
            alpha = tl.exp(row_max - stable)
            row_sum = row_sum * alpha + tl.sum(p, 1)
            p = p * _dropout_factors(seed_ptr, row, key, head, dropout, DROPOUT)
            acc = acc * alpha[:, None] + _dot(p.to(v.dtype), v, PRECISION)
            row_max = new_max
    nonempty = row_sum > 0
    acc = tl.where(nonempty[:, None], acc / tl.where(nonempty, row_sum, 1.0)[:, None], 0.0)
    _store_rows(out_ptr, acc, row, head, rows, HEADS, SIZE, PADDED)
    # Rows that see nothing get +inf, which makes their probabilities zero in the backward pass.
    lse = tl.where(nonempty, row_max + tl.log(tl.where(nonempty, row_sum, 1.0)), float("inf"))
    tl.store(lse_ptr + row.to(tl.int64) * HEADS + head, lse, mask=row < rows)


@triton.jit
def _backward_queries(
    q_ptr,
    k_ptr,
    v_ptr,
    spans_ptr,
    d_out_ptr,
    lse_ptr,
    delta_ptr,
    seed_ptr,
    dq_ptr,
    rows,
    keys,
    scale,
    dropout,
    HEADS: tl.constexpr,
    SIZE: tl.constexpr,
    PADDED: tl.constexpr,
    TILE: tl.constexpr,
    DROPOUT: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """dq of one tile of query rows, with the loop of the forward pass."""
    row = tl.program_id(0) * TILE + tl.arange(0, TILE)
    head = tl.program_id(1)
    q, d_out, lse, delta = _load_queries(q_ptr, d_out_ptr, lse_ptr, delta_ptr, row, head, rows, HEADS, SIZE, PADDED)
    start0, end0, start1, end1 = _load_spans(spans_ptr, row, rows)
    begin, end = _reach(start0, end0, start1, end1, keys)
    dq = tl.zeros([TILE, PADDED], tl.float32)
    for first in range(begin, end, TILE):
        key = first + tl.arange(0, TILE)
        mask = _mask(key, start0, end0, start1, end1)
        if tl.max(mask.to(tl.int32)) > 0:
            k = _load_rows(k_ptr, key, head, keys, HEADS, SIZE, PADDED)
            v = _load_rows(v_ptr, key, head, keys, HEADS, SIZE, PADDED)
            factor = _dropout_factors(seed_ptr, row, key, head, dropout, DROPOUT)
            _, ds = _score_gradients(q, d_out, lse, delta, k, v, mask, factor, scale, PRECISION)
            dq += _dot(ds.to(k.dtype), k, PRECISION)
    _store_rows(dq_ptr, dq, row, head, rows, HEADS, SIZE, PADDED)


@triton.jit
def _backward_keys(
    q_ptr,
    k_ptr,
    v_ptr,
    spans_ptr,
    query_spans_ptr,
    d_out_ptr,
    lse_ptr,
    delta_ptr,
    seed_ptr,
    dk_ptr,
    dv_ptr,
    rows,
    keys,
    scale,
    dropout,
    HEADS: tl.constexpr,
    SIZE: tl.constexpr,
    PADDED: tl.constexpr,
    TILE: tl.constexpr,
    DROPOUT: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """dk and dv of one tile of keys, over all tiles of query rows in both intervals of the query spans."""
    key = tl.program_id(0) * TILE + tl.arange(0, TILE)
    head = tl.program_id(1)
    k = _load_rows(k_ptr, key, head, keys, HEADS, SIZE, PADDED)
    v = _load_rows(v_ptr, key, head, keys, HEADS, SIZE, PADDED)
    start0, end0, start1, end1 = _load_spans(query_spans_ptr, key, keys)
    begin0, last0 = _reach(start0, end0, start0, end0, rows)
    begin1, last1 = _reach(start1, end1, start1, end1, rows)
    tiles0 = tl.maximum(tl.cdiv(last0 - begin0, TILE), 0)
    tiles1 = tl.maximum(tl.cdiv(last1 - begin1, TILE), 0)
    dk = tl.zeros([TILE, PADDED], tl.float32)
    dv = tl.zeros([TILE, PADDED], tl.float32)
    for tile in range(tiles0 + tiles1):
        in_first = tile < tiles0
        start = tl.where(in_first, begin0 + tile * TILE, begin1 + (tile - tiles0) * TILE)
        # Both intervals may cover rows of the same tile; each row must be counted only once.
        bound = tl.where(in_first, last0, last1)
        row = start + tl.arange(0, TILE)
        # Rows outside this interval are treated as out of bounds.
        live = tl.where(row < bound, row, rows)
        from0, to0, from1, to1 = _load_spans(spans_ptr, live, rows)
        mask = _mask(key, from0, to0, from1, to1)
        if tl.max(mask.to(tl.int32)) > 0:
            q, d_out, lse, delta = _load_queries(
                q_ptr, d_out_ptr, lse_ptr, delta_ptr, live, head, rows, HEADS, SIZE, PADDED
            )
            factor = _dropout_factors(seed_ptr, row, key, head, dropout, DROPOUT)
            p, ds = _score_gradients(q, d_out, lse, delta, k, v, mask, factor, scale, PRECISION)
            dv += _dot(tl.trans((p * factor).to(d_out.dtype)), d_out, PRECISION)
            dk += _dot(tl.trans(ds.to(q.dtype)), q, PRECISION)
    _store_rows(dk_ptr, dk, key, head, keys, HEADS, SIZE, PADDED)
    _store_rows(dv_ptr, dv, key, head, keys, HEADS, SIZE, PADDED)

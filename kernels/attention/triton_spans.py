"""Span attention in Triton: one forward kernel and two backward kernels (d_q, then d_k and d_v), without atomics.

Each program owns a tile of rows of one head and loops over the tiles of the other side that its rows can see. No tensor
of size P x C is materialised.

Axes: P query rows, C key rows, H heads, E head size. Tiles of rows are [TILE, PADDED], with E padded to a power of 2;
tiles of scores are [TILE, TILE], query rows by keys.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

_TILE = 64


def forward(q: Tensor, k: Tensor, v: Tensor, spans: Tensor, dropout: float, seed: Tensor) -> tuple[Tensor, Tensor]:
    """out [P, H, E] and lse [P, H] from contiguous q [P, H, E], k and v [C, H, E]; spans: [P, 4]."""
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
    """d_q, d_k and d_v; arguments as in `kernels.attention`, lse as returned by `forward`."""
    # delta: [P, H]
    delta = (d_out.float() * out.float()).sum(-1)
    d_q, d_k, d_v = torch.empty_like(q), torch.empty_like(k), torch.empty_like(v)
    inputs = (q, k, v, spans)
    saved = (d_out, lse, delta, seed)
    scalars = (q.size(0), k.size(0), q.size(-1) ** -0.5, dropout)
    _backward_queries[(triton.cdiv(q.size(0), _TILE), q.size(1))](*inputs, *saved, d_q, *scalars, **_sizes(q, dropout))
    _backward_keys[(triton.cdiv(k.size(0), _TILE), q.size(1))](
        *inputs, query_spans, *saved, d_k, d_v, *scalars, **_sizes(q, dropout)
    )
    return d_q, d_k, d_v


def _sizes(q: Tensor, dropout: float) -> dict[str, object]:
    size = q.size(-1)
    return dict(
        HEADS=q.size(1),
        SIZE=size,
        PADDED=max(16, triton.next_power_of_2(size)),
        TILE=_TILE,
        DROPOUT=dropout > 0,
        # TF32 would round float32 inputs to a 10-bit mantissa, so float32 uses IEEE products.
        # Triton's interpreter multiplies the bit patterns of bfloat16, so on a CPU it is converted to float32 first.
        PRECISION="ieee" if q.dtype == torch.float32 or (q.is_cpu and q.dtype == torch.bfloat16) else "tf32",
        num_warps=4 if size <= 64 else 8,
        num_stages=2,
    )


@triton.jit
def _load_rows(base_ptr, row, head, rows, HEADS: tl.constexpr, SIZE: tl.constexpr, PADDED: tl.constexpr):
    """Load rows [TILE, PADDED] of one head; out-of-bounds elements are zero."""
    e = tl.arange(0, PADDED)
    at = (row.to(tl.int64)[:, None] * HEADS + head) * SIZE + e[None]
    return tl.load(base_ptr + at, mask=(row[:, None] < rows) & (e[None] < SIZE), other=0.0)


@triton.jit
def _store_rows(base_ptr, values, row, head, rows, HEADS: tl.constexpr, SIZE: tl.constexpr, PADDED: tl.constexpr):
    e = tl.arange(0, PADDED)
    at = (row.to(tl.int64)[:, None] * HEADS + head) * SIZE + e[None]
    tl.store(base_ptr + at, values.to(base_ptr.dtype.element_ty), mask=(row[:, None] < rows) & (e[None] < SIZE))


@triton.jit
def _load_spans(spans_ptr, row, rows):
    """Load the two intervals of each row, [TILE] each; empty for out-of-bounds rows."""
    inside = row < rows
    at = spans_ptr + row.to(tl.int64) * 4
    start0 = tl.load(at, mask=inside, other=0)
    end0 = tl.load(at + 1, mask=inside, other=0)
    start1 = tl.load(at + 2, mask=inside, other=0)
    end1 = tl.load(at + 3, mask=inside, other=0)
    return start0, end0, start1, end1


@triton.jit
def _cover(start0, end0, start1, end1, empty):
    """The smallest range that covers all intervals of a tile, ignoring empty ones; it begins at `empty` if all are."""
    begin = tl.minimum(tl.where(end0 > start0, start0, empty), tl.where(end1 > start1, start1, empty))
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
    """Whether a query row sees a key: boolean [TILE, TILE]."""
    first = (key[None] >= start0[:, None]) & (key[None] < end0[:, None])
    second = (key[None] >= start1[:, None]) & (key[None] < end1[:, None])
    return first | second


@triton.jit
def _dropout_factors(seed_ptr, row, key, head, dropout, DROPOUT: tl.constexpr):
    """Dropout factors [TILE, TILE]: a function of seed, head, row and key, so that all kernels compute the same."""
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
    """The inputs of the backward kernels for a tile of query rows: q, d_out [TILE, PADDED]; lse, delta [TILE]."""
    inside = row < rows
    at = row.to(tl.int64) * HEADS + head
    q = _load_rows(q_ptr, row, head, rows, HEADS, SIZE, PADDED)
    d_out = _load_rows(d_out_ptr, row, head, rows, HEADS, SIZE, PADDED)
    lse = tl.load(lse_ptr + at, mask=inside, other=float("inf"))
    delta = tl.load(delta_ptr + at, mask=inside, other=0.0)
    return q, d_out, lse, delta


@triton.jit
def _score_gradients(q, d_out, lse, delta, k, v, mask, factor, scale, PRECISION: tl.constexpr):
    """p and d_s [TILE, TILE]: the probabilities, recomputed from lse, and the gradients of q k^T."""
    s = _dot(q, tl.trans(k), PRECISION) * scale
    p = tl.exp(tl.where(mask, s - lse[:, None], -float("inf")))
    d_p = _dot(d_out, tl.trans(v), PRECISION) * factor
    return p, p * (d_p - delta[:, None]) * scale


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
    """Online softmax of one tile of query rows over the tiles of keys that any of its rows sees."""
    row = tl.program_id(0) * TILE + tl.arange(0, TILE)
    head = tl.program_id(1)
    q = _load_rows(q_ptr, row, head, rows, HEADS, SIZE, PADDED)
    start0, end0, start1, end1 = _load_spans(spans_ptr, row, rows)
    begin, end = _cover(start0, end0, start1, end1, keys)
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
            # A row that has seen no key yet has a maximum of -inf; subtracting 0 instead avoids -inf - -inf = NaN.
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
    # For a row that sees nothing, lse = +inf makes its probabilities zero in the backward pass.
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
    d_q_ptr,
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
    """d_q of one tile of query rows, over the same tiles of keys as the forward pass."""
    row = tl.program_id(0) * TILE + tl.arange(0, TILE)
    head = tl.program_id(1)
    q, d_out, lse, delta = _load_queries(q_ptr, d_out_ptr, lse_ptr, delta_ptr, row, head, rows, HEADS, SIZE, PADDED)
    start0, end0, start1, end1 = _load_spans(spans_ptr, row, rows)
    begin, end = _cover(start0, end0, start1, end1, keys)
    d_q = tl.zeros([TILE, PADDED], tl.float32)
    for first in range(begin, end, TILE):
        key = first + tl.arange(0, TILE)
        mask = _mask(key, start0, end0, start1, end1)
        if tl.max(mask.to(tl.int32)) > 0:
            k = _load_rows(k_ptr, key, head, keys, HEADS, SIZE, PADDED)
            v = _load_rows(v_ptr, key, head, keys, HEADS, SIZE, PADDED)
            factor = _dropout_factors(seed_ptr, row, key, head, dropout, DROPOUT)
            _, d_s = _score_gradients(q, d_out, lse, delta, k, v, mask, factor, scale, PRECISION)
            d_q += _dot(d_s.to(k.dtype), k, PRECISION)
    _store_rows(d_q_ptr, d_q, row, head, rows, HEADS, SIZE, PADDED)


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
    d_k_ptr,
    d_v_ptr,
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
    """d_k and d_v of one tile of keys, over the tiles of query rows in both intervals of its query spans."""
    key = tl.program_id(0) * TILE + tl.arange(0, TILE)
    head = tl.program_id(1)
    k = _load_rows(k_ptr, key, head, keys, HEADS, SIZE, PADDED)
    v = _load_rows(v_ptr, key, head, keys, HEADS, SIZE, PADDED)
    start0, end0, start1, end1 = _load_spans(query_spans_ptr, key, keys)
    begin0, last0 = _cover(start0, end0, start0, end0, rows)
    begin1, last1 = _cover(start1, end1, start1, end1, rows)
    tiles0 = tl.maximum(tl.cdiv(last0 - begin0, TILE), 0)
    tiles1 = tl.maximum(tl.cdiv(last1 - begin1, TILE), 0)
    d_k = tl.zeros([TILE, PADDED], tl.float32)
    d_v = tl.zeros([TILE, PADDED], tl.float32)
    for tile in range(tiles0 + tiles1):
        in_first = tile < tiles0
        start = tl.where(in_first, begin0 + tile * TILE, begin1 + (tile - tiles0) * TILE)
        # A tile may reach into rows that the other interval covers as well; each row must be counted once.
        bound = tl.where(in_first, last0, last1)
        row = start + tl.arange(0, TILE)
        # Rows past this interval are mapped out of bounds, which masks them.
        valid = tl.where(row < bound, row, rows)
        from0, to0, from1, to1 = _load_spans(spans_ptr, valid, rows)
        mask = _mask(key, from0, to0, from1, to1)
        if tl.max(mask.to(tl.int32)) > 0:
            q, d_out, lse, delta = _load_queries(
                q_ptr, d_out_ptr, lse_ptr, delta_ptr, valid, head, rows, HEADS, SIZE, PADDED
            )
            factor = _dropout_factors(seed_ptr, row, key, head, dropout, DROPOUT)
            p, d_s = _score_gradients(q, d_out, lse, delta, k, v, mask, factor, scale, PRECISION)
            d_v += _dot(tl.trans((p * factor).to(d_out.dtype)), d_out, PRECISION)
            d_k += _dot(tl.trans(d_s.to(q.dtype)), q, PRECISION)
    _store_rows(d_k_ptr, d_k, key, head, keys, HEADS, SIZE, PADDED)
    _store_rows(d_v_ptr, d_v, key, head, keys, HEADS, SIZE, PADDED)

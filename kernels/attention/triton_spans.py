"""Span attention in Triton: one kernel forward, two backward (queries, then keys and values), no atomics.

Axes: P query rows, C key rows, H heads, E head size. A program owns a tile of rows of one head and walks over the
tiles of the other side that its rows can touch. Nothing of the size P x C exists.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

_TILE = 64


def forward(q: Tensor, k: Tensor, v: Tensor, spans: Tensor, dropout: float, seed: Tensor) -> tuple[Tensor, Tensor]:
    """Attended rows [P, H, E] and the log of each row's softmax sum [P, H]; q, k, v are contiguous."""
    out = torch.empty_like(q)
    log_sum = q.new_empty(q.shape[:2], dtype=torch.float32)
    _forward[(triton.cdiv(q.size(0), _TILE), q.size(1))](
        q, k, v, spans, out, log_sum, seed, q.size(0), k.size(0), q.size(-1) ** -0.5, dropout, **_sizes(q, dropout)
    )
    return out, log_sum


def backward(
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
    delta = (d_out.float() * out.float()).sum(-1)
    d_q, d_k, d_v = torch.empty_like(q), torch.empty_like(k), torch.empty_like(v)
    shared = (q, k, v, spans)
    rest = (d_out, log_sum, delta, seed)
    numbers = (q.size(0), k.size(0), q.size(-1) ** -0.5, dropout)
    _backward_queries[(triton.cdiv(q.size(0), _TILE), q.size(1))](*shared, *rest, d_q, *numbers, **_sizes(q, dropout))
    _backward_keys[(triton.cdiv(k.size(0), _TILE), q.size(1))](
        *shared, askers, *rest, d_k, d_v, *numbers, **_sizes(q, dropout)
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
        # Tensor cores would round float32 to 10 bits: whoever asks for float32 means it.
        # Triton's interpreter multiplies the bit patterns of bfloat16; there, it is widened first.
        PRECISION="ieee" if q.dtype == torch.float32 or (q.is_cpu and q.dtype == torch.bfloat16) else "tf32",
        num_warps=4 if size <= 64 else 8,
        num_stages=2,
    )


@triton.jit
def _load_rows(base, row, head, rows, HEADS: tl.constexpr, SIZE: tl.constexpr, PADDED: tl.constexpr):
    """Rows [TILE, PADDED] of one head; zeros where a row or a unit does not exist."""
    unit = tl.arange(0, PADDED)
    at = (row.to(tl.int64)[:, None] * HEADS + head) * SIZE + unit[None]
    return tl.load(base + at, mask=(row[:, None] < rows) & (unit[None] < SIZE), other=0.0)


@triton.jit
def _store_rows(base, values, row, head, rows, HEADS: tl.constexpr, SIZE: tl.constexpr, PADDED: tl.constexpr):
    unit = tl.arange(0, PADDED)
    at = (row.to(tl.int64)[:, None] * HEADS + head) * SIZE + unit[None]
    tl.store(base + at, values.to(base.dtype.element_ty), mask=(row[:, None] < rows) & (unit[None] < SIZE))


@triton.jit
def _load_spans(spans, row, rows):
    """The two intervals of each row; empty ones where a row does not exist."""
    inside = row < rows
    at = spans + row.to(tl.int64) * 4
    start0 = tl.load(at, mask=inside, other=0)
    end0 = tl.load(at + 1, mask=inside, other=0)
    start1 = tl.load(at + 2, mask=inside, other=0)
    end1 = tl.load(at + 3, mask=inside, other=0)
    return start0, end0, start1, end1


@triton.jit
def _reach(start0, end0, start1, end1, none):
    """Where the intervals of a tile begin and end together; empty ones do not count."""
    begin = tl.minimum(tl.where(end0 > start0, start0, none), tl.where(end1 > start1, start1, none))
    end = tl.maximum(tl.where(end0 > start0, end0, 0), tl.where(end1 > start1, end1, 0))
    return tl.min(begin), tl.max(end)


@triton.jit
def _dot(a, b, PRECISION: tl.constexpr):
    """Matrix product with float32 sums."""
    if PRECISION == "ieee":
        a = a.to(tl.float32)
        b = b.to(tl.float32)
    return tl.dot(a, b, input_precision=PRECISION)


@triton.jit
def _sees(key, start0, end0, start1, end1):
    """Boolean [rows, keys]"""
    first = (key[None] >= start0[:, None]) & (key[None] < end0[:, None])
    second = (key[None] >= start1[:, None]) & (key[None] < end1[:, None])
    return first | second


@triton.jit
def _kept(seed, row, key, head, dropout, DROPOUT: tl.constexpr):
    """Dropout factors [rows, keys] from seed, head, row and key alone, so that every kernel draws the same."""
    zero = (row[:, None] + key[None]).to(tl.uint32) * 0
    factor = zero.to(tl.float32) + 1.0
    if DROPOUT:
        by_key = zero + key[None].to(tl.uint32)
        by_row = zero + row[:, None].to(tl.uint32)
        bits, _, _, _ = tl.philox(tl.load(seed), by_key, by_row, zero + head.to(tl.uint32), zero, 7)
        uniform = (bits >> 8).to(tl.float32) * (1.0 / 16777216.0)
        factor = tl.where(uniform >= dropout, 1.0 / (1.0 - dropout), 0.0)
    return factor


@triton.jit
def _load_queries(
    q, d_out, log_sum, delta, row, head, rows, HEADS: tl.constexpr, SIZE: tl.constexpr, PADDED: tl.constexpr
):
    """What the backward pass reads of query rows: queries, gradients of their answers, softmax sums, offsets."""
    inside = row < rows
    at = row.to(tl.int64) * HEADS + head
    asked = _load_rows(q, row, head, rows, HEADS, SIZE, PADDED)
    wanted = _load_rows(d_out, row, head, rows, HEADS, SIZE, PADDED)
    sums = tl.load(log_sum + at, mask=inside, other=float("inf"))
    offset = tl.load(delta + at, mask=inside, other=0.0)
    return asked, wanted, sums, offset


@triton.jit
def _score_gradients(asked, wanted, sums, offset, given, values, sees, factor, scale, PRECISION: tl.constexpr):
    """Probabilities [rows, keys] made again from the stored sums, and the gradients of the scores, scale included."""
    scores = _dot(asked, tl.trans(given), PRECISION) * scale
    probs = tl.exp(tl.where(sees, scores - sums[:, None], -float("inf")))
    d_probs = _dot(wanted, tl.trans(values), PRECISION) * factor
    return probs, probs * (d_probs - offset[:, None]) * scale


@triton.jit
def _forward(
    q,
    k,
    v,
    spans,
    out,
    log_sum,
    seed,
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
    """A tile of query rows over the tiles of keys that any of them sees, with a running softmax."""
    row = tl.program_id(0) * TILE + tl.arange(0, TILE)
    head = tl.program_id(1)
    asked = _load_rows(q, row, head, rows, HEADS, SIZE, PADDED)
    start0, end0, start1, end1 = _load_spans(spans, row, rows)
    begin, end = _reach(start0, end0, start1, end1, keys)
    top = tl.full([TILE], -float("inf"), tl.float32)
    total = tl.zeros([TILE], tl.float32)
    answer = tl.zeros([TILE, PADDED], tl.float32)
    for first in range(begin, end, TILE):
        key = first + tl.arange(0, TILE)
        sees = _sees(key, start0, end0, start1, end1)
        if tl.max(sees.to(tl.int32)) > 0:
            given = _load_rows(k, key, head, keys, HEADS, SIZE, PADDED)
            values = _load_rows(v, key, head, keys, HEADS, SIZE, PADDED)
            scores = _dot(asked, tl.trans(given), PRECISION) * scale
            scores = tl.where(sees, scores, -float("inf"))
            new_top = tl.maximum(top, tl.max(scores, 1))
            # A row that has seen nothing yet has no top; any finite number keeps its exponentials at zero.
            stable = tl.where(new_top == -float("inf"), 0.0, new_top)
            probs = tl.exp(scores - stable[:, None])
            shrink = tl.exp(top - stable)
            total = total * shrink + tl.sum(probs, 1)
            probs = probs * _kept(seed, row, key, head, dropout, DROPOUT)
            answer = answer * shrink[:, None] + _dot(probs.to(values.dtype), values, PRECISION)
            top = new_top
    saw = total > 0
    answer = tl.where(saw[:, None], answer / tl.where(saw, total, 1.0)[:, None], 0.0)
    _store_rows(out, answer, row, head, rows, HEADS, SIZE, PADDED)
    # Rows that see nothing get +inf, so that the backward pass finds probabilities of zero.
    sums = tl.where(saw, top + tl.log(tl.where(saw, total, 1.0)), float("inf"))
    tl.store(log_sum + row.to(tl.int64) * HEADS + head, sums, mask=row < rows)


@triton.jit
def _backward_queries(
    q,
    k,
    v,
    spans,
    d_out,
    log_sum,
    delta,
    seed,
    d_q,
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
    """The walk of the forward pass again, for the gradient of a tile of query rows."""
    row = tl.program_id(0) * TILE + tl.arange(0, TILE)
    head = tl.program_id(1)
    asked, wanted, sums, offset = _load_queries(q, d_out, log_sum, delta, row, head, rows, HEADS, SIZE, PADDED)
    start0, end0, start1, end1 = _load_spans(spans, row, rows)
    begin, end = _reach(start0, end0, start1, end1, keys)
    gradient = tl.zeros([TILE, PADDED], tl.float32)
    for first in range(begin, end, TILE):
        key = first + tl.arange(0, TILE)
        sees = _sees(key, start0, end0, start1, end1)
        if tl.max(sees.to(tl.int32)) > 0:
            given = _load_rows(k, key, head, keys, HEADS, SIZE, PADDED)
            values = _load_rows(v, key, head, keys, HEADS, SIZE, PADDED)
            factor = _kept(seed, row, key, head, dropout, DROPOUT)
            _, d_scores = _score_gradients(asked, wanted, sums, offset, given, values, sees, factor, scale, PRECISION)
            gradient += _dot(d_scores.to(given.dtype), given, PRECISION)
    _store_rows(d_q, gradient, row, head, rows, HEADS, SIZE, PADDED)


@triton.jit
def _backward_keys(
    q,
    k,
    v,
    spans,
    askers,
    d_out,
    log_sum,
    delta,
    seed,
    d_k,
    d_v,
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
    """A tile of keys over the tiles of query rows that may see any of them, in both intervals of askers."""
    key = tl.program_id(0) * TILE + tl.arange(0, TILE)
    head = tl.program_id(1)
    given = _load_rows(k, key, head, keys, HEADS, SIZE, PADDED)
    values = _load_rows(v, key, head, keys, HEADS, SIZE, PADDED)
    start0, end0, start1, end1 = _load_spans(askers, key, keys)
    begin0, last0 = _reach(start0, end0, start0, end0, rows)
    begin1, last1 = _reach(start1, end1, start1, end1, rows)
    tiles0 = tl.maximum(tl.cdiv(last0 - begin0, TILE), 0)
    tiles1 = tl.maximum(tl.cdiv(last1 - begin1, TILE), 0)
    gradient_k = tl.zeros([TILE, PADDED], tl.float32)
    gradient_v = tl.zeros([TILE, PADDED], tl.float32)
    for tile in range(tiles0 + tiles1):
        in_first = tile < tiles0
        start = tl.where(in_first, begin0 + tile * TILE, begin1 + (tile - tiles0) * TILE)
        # Where both intervals share a tile, only one walk may count a row.
        bound = tl.where(in_first, last0, last1)
        row = start + tl.arange(0, TILE)
        # A row outside this interval is as one that does not exist.
        live = tl.where(row < bound, row, rows)
        from0, to0, from1, to1 = _load_spans(spans, live, rows)
        sees = _sees(key, from0, to0, from1, to1)
        if tl.max(sees.to(tl.int32)) > 0:
            asked, wanted, sums, offset = _load_queries(q, d_out, log_sum, delta, live, head, rows, HEADS, SIZE, PADDED)
            factor = _kept(seed, row, key, head, dropout, DROPOUT)
            probs, d_scores = _score_gradients(
                asked, wanted, sums, offset, given, values, sees, factor, scale, PRECISION
            )
            gradient_v += _dot(tl.trans((probs * factor).to(wanted.dtype)), wanted, PRECISION)
            gradient_k += _dot(tl.trans(d_scores.to(asked.dtype)), asked, PRECISION)
    _store_rows(d_k, gradient_k, key, head, keys, HEADS, SIZE, PADDED)
    _store_rows(d_v, gradient_v, key, head, keys, HEADS, SIZE, PADDED)

// Span attention on a CPU: each query row reads only the keys in its one or two intervals.
//
// The keys and values of a head are converted to float32 once, when a tile of query rows first needs them, in two
// layouts: row-major for weighted sums, and transposed in blocks of LANES keys for dot products with many keys.
//
// Axes: P query rows, C key rows, H heads, E head size; `padded` is E rounded up to a multiple of LANES.
#include <algorithm>
#include <type_traits>
#include <vector>

#include "vectors.h"

namespace {

constexpr int64_t TILE = 32;
// The largest head size that for_head_size instantiates.
constexpr int64_t MAX_HEAD_SIZE = 128;
// Margin on both sides of a row of scores: the first block of keys may begin before the first visible key, and the last
// vector may extend past the last one.
constexpr int64_t MARGIN = 5 * LANES;

struct Shape {
    int64_t rows, keys, heads, size;
    const int32_t* spans;  // [P, 4]
    float scale, dropout;
    uint64_t seed;
};

template <typename T>
const T* row_of(const T* x, const Shape& s, int64_t row, int64_t head) {
    return x + (row * s.heads + head) * s.size;
}

template <typename T>
T* row_of(T* x, const Shape& s, int64_t row, int64_t head) {
    return x + (row * s.heads + head) * s.size;
}

// The visible keys of a query row: its two intervals, concatenated.
struct Visible {
    int64_t start[2], count[2], total;
    Visible(const int32_t* span) {
        for (int i = 0; i < 2; i++) {
            start[i] = span[2 * i];
            count[i] = span[2 * i + 1] > span[2 * i] ? span[2 * i + 1] - span[2 * i] : 0;
        }
        total = count[0] + count[1];
    }
};

// Query rows [first, last), and the smallest range of keys [start, end) that covers their intervals.
struct Tile {
    int64_t first, last, start, end;
    Tile(const Shape& s, int64_t row) : first(row), last(std::min(row + TILE, s.rows)), start(s.keys), end(0) {
        for (int64_t r = first; r < last; r++) {
            Visible visible(s.spans + 4 * r);
            for (int i = 0; i < 2; i++)
                if (visible.count[i]) {
                    start = std::min(start, visible.start[i]);
                    end = std::max(end, visible.start[i] + visible.count[i]);
                }
        }
        start = std::min(start, end);
    }
};

// A buffer that a thread reuses across calls, which avoids mapping fresh pages in each call.
struct Buffer {
    std::vector<float> values;
    float* reserve(int64_t size) {
        if ((int64_t)values.size() < size) values.resize(size);
        return values.data();
    }
};

// Rows of one head in float32, [C, padded]; converted lazily, up to the last key that a tile has needed.
template <typename T>
struct RowMajor {
    const T* x;
    const Shape& s;
    int64_t head, padded, end = 0;
    float* rows;

    RowMajor(const T* x, const Shape& s, int64_t head, int64_t padded, Buffer& buffer)
        : x(x), s(s), head(head), padded(padded), rows(buffer.reserve(s.keys * padded)) {}

    void convert(const Tile& tile) {
        for (; end < tile.end; end++) {
            float* row = rows + end * padded;
            widen_all(row_of(x, s, end, head), s.size, row);
            for (int64_t e = s.size; e < padded; e++) row[e] = 0;
        }
    }
};

// The same rows transposed in blocks of LANES keys: [ceil(C / LANES), E, LANES]; zeros past the last key.
template <typename T>
struct Transposed {
    const T* x;
    const Shape& s;
    int64_t head, end = 0;
    float* blocks;

    Transposed(const T* x, const Shape& s, int64_t head, Buffer& buffer)
        : x(x), s(s), head(head), blocks(buffer.reserve((s.keys + LANES - 1) / LANES * s.size * LANES)) {}

    void convert(const Tile& tile) {
        float row[MAX_HEAD_SIZE];
        for (; end * LANES < tile.end; end++) {
            float* block = blocks + end * s.size * LANES;
            for (int64_t c = 0; c < LANES; c++) {
                if (end * LANES + c < s.keys)
                    widen_all(row_of(x, s, end * LANES + c, head), s.size, row);
                else
                    std::fill(row, row + s.size, 0.0f);
                for (int64_t e = 0; e < s.size; e++) block[e * LANES + c] = row[e];
            }
        }
    }
};

// Dot products of x [E] with keys [BLOCKS, E, LANES]; out: [BLOCKS, LANES]. PARTS independent accumulators hide the
// latency of the additions; AVX2 has registers for two. The order of summation does not depend on BLOCKS.
template <int BLOCKS>
void dot_blocks(const float* x, const float* block, int64_t size, Floats* out) {
    constexpr int PARTS = LANES == 16 ? 4 : 2;
    Floats total[PARTS][BLOCKS];
    for (auto& part : total)
        for (auto& y : part) y = fill(0);
    int64_t e = 0;
    for (; e + PARTS <= size; e += PARTS)
        for (int i = 0; i < PARTS; i++)
            for (int n = 0; n < BLOCKS; n++) total[i][n] += load(block + (n * size + e + i) * LANES) * x[e + i];
    for (; e < size; e++)
        for (int n = 0; n < BLOCKS; n++) total[0][n] += load(block + (n * size + e) * LANES) * x[e];
    for (int count = PARTS / 2; count > 0; count /= 2)
        for (int i = 0; i < count; i++)
            for (int n = 0; n < BLOCKS; n++) total[i][n] += total[i + count][n];
    for (int n = 0; n < BLOCKS; n++) out[n] = total[0][n];
}

// Dot products of x [E] with the keys [start, start + count); out: [count]. Values before `out` are preserved; some of
// those after its end are overwritten.
void dot_interval(const float* x, const float* blocks, int64_t size, int64_t start, int64_t count, float* out) {
    if (!count) return;
    int64_t before = start % LANES, left = before + count;
    const float* block = blocks + start / LANES * size * LANES;
    out -= before;
    Floats kept = load(out), dots[4];
    for (float* at = out; left > 0; left -= 4 * LANES, at += 4 * LANES, block += 4 * size * LANES) {
        if (left > 3 * LANES)
            dot_blocks<4>(x, block, size, dots);
        else if (left > 2 * LANES)
            dot_blocks<3>(x, block, size, dots);
        else if (left > LANES)
            dot_blocks<2>(x, block, size, dots);
        else
            dot_blocks<1>(x, block, size, dots);
        if (at == out) dots[0] = first_lanes(kept, before, dots[0]);
        for (int64_t n = 0; n < 4 && n * LANES < left; n++) store(at + n * LANES, dots[n]);
    }
}

// Dot products of x [E] with all visible keys, concatenated.
void dot_visible(const float* x, const float* blocks, int64_t size, const Visible& visible, float* out) {
    // The second interval overwrites what the last vector of the first one wrote past its end.
    for (int i = 0; i < 2; i++) {
        dot_interval(x, blocks, size, visible.start[i], visible.count[i], out);
        out += visible.count[i];
    }
}

// out [padded] = sum over visible keys c of factors[c] * rows[c]; rows: [C, padded].
template <int VECTORS>
void weighted_sum(const float* factors, const float* rows, const Visible& visible, float* out) {
    constexpr int UNROLL = VECTORS <= 2 ? 4 : VECTORS <= 4 || LANES == 16 ? 2 : 1;
    Floats total[UNROLL][VECTORS];
    for (auto& part : total)
        for (auto& x : part) x = fill(0);
    for (int i = 0; i < 2; i++) {
        const float* row = rows + visible.start[i] * VECTORS * LANES;
        int64_t c = 0;
        for (; c + UNROLL <= visible.count[i]; c += UNROLL)
            for (int u = 0; u < UNROLL; u++, row += VECTORS * LANES)
                for (int n = 0; n < VECTORS; n++) total[u][n] += load(row + n * LANES) * factors[c + u];
        for (; c < visible.count[i]; c++, row += VECTORS * LANES)
            for (int n = 0; n < VECTORS; n++) total[0][n] += load(row + n * LANES) * factors[c];
        factors += visible.count[i];
    }
    for (int n = 0; n < VECTORS; n++) {
        for (int u = 1; u < UNROLL; u++) total[0][n] += total[u][n];
        store(out + n * LANES, total[0][n]);
    }
}

// acc[c] += factors[c] * x [padded] for all visible keys c; acc: [C, padded].
template <int VECTORS>
void accumulate(const float* factors, const float* x, const Visible& visible, float* acc) {
    Floats x_vectors[VECTORS];
    for (int n = 0; n < VECTORS; n++) x_vectors[n] = load(x + n * LANES);
    for (int i = 0; i < 2; i++) {
        float* row = acc + visible.start[i] * VECTORS * LANES;
        for (int64_t c = 0; c < visible.count[i]; c++, row += VECTORS * LANES)
            for (int n = 0; n < VECTORS; n++) store(row + n * LANES, load(row + n * LANES) + x_vectors[n] * factors[c]);
        factors += visible.count[i];
    }
}

// Dropout factors [count] of the probabilities of one row: a function of seed, head, row and the index among the
// visible keys, so that the backward pass recomputes the same factors.
void dropout_factors(const Shape& s, int64_t head, int64_t row, int64_t count, float* factors) {
    const uint32_t low = hash(hash((uint32_t)s.seed) + (uint32_t)row);
    const uint32_t high = hash((uint32_t)(s.seed >> 32) + 1 + (uint32_t)head);
    const uint32_t row_hash = hash(low ^ high);
    const uint32_t threshold = drop_threshold(s.dropout);
    const Floats scale = fill(keep_scale(s.dropout)), zero = fill(0);
    Uints index;
    for (int64_t i = 0; i < LANES; i++) index[i] = i;
    for (int64_t c = 0; c < count; c += LANES, index += (uint32_t)LANES)
        store(factors + c, hash(index * 0x9e3779b9u + row_hash) >= threshold ? scale : zero);
}

// Maximum of `count` >= 1 scores; NaN if any of them is NaN.
float row_max_of(const float* scores, int64_t count) {
    Floats best = first_lanes(load(scores), count, scores[0]);
    for (int64_t c = LANES; c < count; c += LANES)
        best = maximum(first_lanes(load(scores + c), count - c, scores[0]), best);
    return reduce_max(best);
}

// Replace scores [count] with exp(scale * score - shift); returns their sum.
float exp_scores(float* scores, int64_t count, float scale, float shift) {
    Floats total = fill(0);
    for (int64_t c = 0; c < count; c += LANES) {
        Floats e = first_lanes(exp_negative(load(scores + c) * scale - shift), count - c, 0);
        store(scores + c, e);
        total += e;
    }
    return reduce_sum(total);
}

// One head. q, out: [P, H, E]; k, v: [C, H, E]; lse: [P, H]. p holds the scores of one row, then its probabilities.
template <typename T, int VECTORS>
void forward(const T* q, const T* k, const T* v, T* out, float* lse, const Shape& s, int64_t head) {
    constexpr int64_t PADDED = VECTORS * LANES;
    thread_local Buffer k_buffer, v_buffer, p_buffer, factors_buffer;
    Transposed<T> keys(k, s, head, k_buffer);
    RowMajor<T> values(v, s, head, PADDED, v_buffer);
    float q_row[PADDED], out_row[PADDED];
    for (int64_t row = 0; row < s.rows; row += TILE) {
        Tile tile(s, row);
        keys.convert(tile);
        values.convert(tile);
        int64_t capacity = tile.end - tile.start + 2 * MARGIN;
        float *p = p_buffer.reserve(capacity) + MARGIN, *factors = factors_buffer.reserve(capacity);
        for (int64_t r = tile.first; r < tile.last; r++) {
            Visible visible(s.spans + 4 * r);
            widen_all(row_of(q, s, r, head), s.size, q_row);
            dot_visible(q_row, keys.blocks, s.size, visible, p);
            float row_max = visible.total ? row_max_of(p, visible.total) * s.scale : 0;
            float row_sum = exp_scores(p, visible.total, s.scale, row_max);
            if (s.dropout > 0) {
                dropout_factors(s, head, r, visible.total, factors);
                for (int64_t c = 0; c < visible.total; c++) p[c] *= factors[c];
            }
            weighted_sum<VECTORS>(p, values.rows, visible, out_row);
            float inverse = visible.total ? 1 / row_sum : 0;
            for (float& x : out_row) x *= inverse;
            narrow_all(out_row, s.size, row_of(out, s, r, head));
            lse[r * s.heads + head] = visible.total ? row_max + std::log(row_sum) : 0;
        }
    }
}

// One head, with shapes as in `forward`. d_s holds the gradient of the probabilities of one row, then of its scores.
template <typename T, int VECTORS>
void backward(const T* d_out, const T* q, const T* k, const T* v, const float* lse, T* d_q, T* d_k, T* d_v,
              const Shape& s, int64_t head) {
    constexpr int64_t PADDED = VECTORS * LANES;
    thread_local Buffer transposed_buffer[2], k_rows_buffer, acc_buffer[2], p_buffer, d_s_buffer, factors_buffer;
    Transposed<T> keys(k, s, head, transposed_buffer[0]), values(v, s, head, transposed_buffer[1]);
    RowMajor<T> key_rows(k, s, head, PADDED, k_rows_buffer);
    float *d_k_acc = acc_buffer[0].reserve(s.keys * PADDED), *d_v_acc = acc_buffer[1].reserve(s.keys * PADDED);
    std::fill(d_k_acc, d_k_acc + s.keys * PADDED, 0.0f);
    std::fill(d_v_acc, d_v_acc + s.keys * PADDED, 0.0f);
    float q_row[PADDED] = {}, d_out_row[PADDED] = {}, d_q_row[PADDED];
    for (int64_t row = 0; row < s.rows; row += TILE) {
        Tile tile(s, row);
        keys.convert(tile);
        values.convert(tile);
        key_rows.convert(tile);
        int64_t capacity = tile.end - tile.start + 2 * MARGIN;
        float *p = p_buffer.reserve(capacity) + MARGIN, *d_s = d_s_buffer.reserve(capacity) + MARGIN;
        float* factors = factors_buffer.reserve(capacity);
        if (s.dropout == 0) std::fill(factors, factors + capacity, 1.0f);
        for (int64_t r = tile.first; r < tile.last; r++) {
            Visible visible(s.spans + 4 * r);
            widen_all(row_of(q, s, r, head), s.size, q_row);
            widen_all(row_of(d_out, s, r, head), s.size, d_out_row);
            dot_visible(q_row, keys.blocks, s.size, visible, p);
            dot_visible(d_out_row, values.blocks, s.size, visible, d_s);
            // The stored lse is rounded; normalising again makes the probabilities sum to 1.
            float inverse = 1 / exp_scores(p, visible.total, s.scale, lse[r * s.heads + head]);
            if (s.dropout > 0) dropout_factors(s, head, r, visible.total, factors);
            // delta is the sum of p * d_p, not of dO * O: O is rounded, and in a saturated row d_p - delta must cancel.
            Floats delta_lanes = fill(0);
            for (int64_t c = 0; c < visible.total; c += LANES) {
                Floats p_c = load(&p[c]) * inverse, d_p = load(&d_s[c]) * load(&factors[c]);
                store(&p[c], p_c);
                store(&d_s[c], d_p);
                delta_lanes += first_lanes(p_c * d_p, visible.total - c, 0);
            }
            float delta = reduce_sum(delta_lanes);
            for (int64_t c = 0; c < visible.total; c += LANES) {
                Floats p_c = load(&p[c]), factor = load(&factors[c]);
                store(&d_s[c], p_c * (load(&d_s[c]) - delta) * s.scale);
                store(&p[c], p_c * factor);
            }
            weighted_sum<VECTORS>(d_s, key_rows.rows, visible, d_q_row);
            narrow_all(d_q_row, s.size, row_of(d_q, s, r, head));
            accumulate<VECTORS>(d_s, q_row, visible, d_k_acc);
            accumulate<VECTORS>(p, d_out_row, visible, d_v_acc);
        }
    }
    for (int64_t c = 0; c < s.keys; c++) {
        narrow_all(d_k_acc + c * PADDED, s.size, row_of(d_k, s, c, head));
        narrow_all(d_v_acc + c * PADDED, s.size, row_of(d_v, s, c, head));
    }
}

template <typename T, int VECTORS>
void forward_heads(const void* q, const void* k, const void* v, void* out, float* lse, const Shape& s, int threads) {
#pragma omp parallel for num_threads(threads)
    for (int64_t head = 0; head < s.heads; head++)
        forward<T, VECTORS>((const T*)q, (const T*)k, (const T*)v, (T*)out, lse, s, head);
}

template <typename T, int VECTORS>
void backward_heads(const void* d_out, const void* q, const void* k, const void* v, const float* lse, void* d_q,
                    void* d_k, void* d_v, const Shape& s, int threads) {
#pragma omp parallel for num_threads(threads)
    for (int64_t head = 0; head < s.heads; head++)
        backward<T, VECTORS>((const T*)d_out, (const T*)q, (const T*)k, (const T*)v, lse, (T*)d_q, (T*)d_k, (T*)d_v,
                             s, head);
}

// f(N), an integral constant, for heads that fit into N vectors; returns 1 if heads of that size are not supported. Each
// N takes a second to compile, so large ones are further apart.
template <int N = 1, typename F>
int for_head_size(int64_t size, F f) {
    if constexpr (N * LANES > MAX_HEAD_SIZE) {
        return 1;
    } else {
        if (size > N * LANES) return for_head_size<N + (N < 4 ? 1 : N < 8 ? 2 : N < 16 ? 4 : 8)>(size, f);
        f(std::integral_constant<int, N>());
        return 0;
    }
}

}  // namespace

// q, out: [P, H, E]; k, v: [C, H, E]; spans: [P, 4]; lse: [P, H] float32; all contiguous. The others are float32, or
// bfloat16 if `half`. Returns nonzero if the head size is not supported.
extern "C" int span_forward(const void* q, const void* k, const void* v, const int32_t* spans, void* out,
                            float* lse, int half, int64_t rows, int64_t keys, int64_t heads, int64_t size,
                            float scale, float dropout, uint64_t seed, int threads) {
    Shape shape{rows, keys, heads, size, spans, scale, dropout, seed};
    return for_head_size(size, [&](auto vectors) {
        constexpr int N = decltype(vectors)::value;
        auto run = half ? forward_heads<uint16_t, N> : forward_heads<float, N>;
        run(q, k, v, out, lse, shape, threads);
    });
}

// d_out, d_q: like q; d_k, d_v: like k.
extern "C" int span_backward(const void* d_out, const void* q, const void* k, const void* v, const int32_t* spans,
                             const float* lse, void* d_q, void* d_k, void* d_v, int half,
                             int64_t rows, int64_t keys, int64_t heads, int64_t size, float scale, float dropout,
                             uint64_t seed, int threads) {
    Shape shape{rows, keys, heads, size, spans, scale, dropout, seed};
    return for_head_size(size, [&](auto vectors) {
        constexpr int N = decltype(vectors)::value;
        auto run = half ? backward_heads<uint16_t, N> : backward_heads<float, N>;
        run(d_out, q, k, v, lse, d_q, d_k, d_v, shape, threads);
    });
}

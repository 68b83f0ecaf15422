// Span attention on a CPU: each query row visits only the keys of its one or two intervals.
//
// Axes: P query rows, C key rows, H heads, E head size (padded to a multiple of the vector's lanes). The keys and values
// of a head are converted to float32 once, when a tile of query rows first sees them. There are two layouts: by row, for
// weighted sums, and by unit in blocks of LANES keys, for the products of a query with many keys at a time.
#include <algorithm>
#include <vector>

#include "vectors.h"

namespace {

constexpr int64_t TILE = 32;
// The largest head, as `BY_SIZE` below compiles it.
constexpr int64_t MOST = 8 * LANES;
// Padding on both sides of the scores: the first block of keys may begin before the first key, and whole vectors may
// extend past the last one.
constexpr int64_t ROOM = 5 * LANES;

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

// The keys that a row sees, one interval after the other.
struct Seen {
    int64_t start[2], count[2], total;
    Seen(const int32_t* span) {
        for (int i = 0; i < 2; i++) {
            start[i] = span[2 * i];
            count[i] = span[2 * i + 1] > span[2 * i] ? span[2 * i + 1] - span[2 * i] : 0;
        }
        total = count[0] + count[1];
    }
};

// The query rows [first, last) and the smallest range of keys [start, end) that covers their intervals.
struct Tile {
    int64_t first, last, start, end;
    Tile(const Shape& s, int64_t row) : first(row), last(std::min(row + TILE, s.rows)), start(s.keys), end(0) {
        for (int64_t r = first; r < last; r++) {
            Seen seen(s.spans + 4 * r);
            for (int i = 0; i < 2; i++)
                if (seen.count[i]) {
                    start = std::min(start, seen.start[i]);
                    end = std::max(end, seen.start[i] + seen.count[i]);
                }
        }
        start = std::min(start, end);
    }
};

// A buffer that a thread keeps between calls, so that the operating system does not map new pages each time.
struct Memory {
    std::vector<float> values;
    float* of(int64_t size) {
        if ((int64_t)values.size() < size) values.resize(size);
        return values.data();
    }
};

// The rows of one head as float32 [C, padded], converted up to the last key that a tile has needed.
template <typename T>
struct ByRow {
    const T* x;
    const Shape& s;
    int64_t head, padded, end = 0;
    float* rows;

    ByRow(const T* x, const Shape& s, int64_t head, int64_t padded, Memory& memory)
        : x(x), s(s), head(head), padded(padded), rows(memory.of(s.keys * padded)) {}

    void take(const Tile& tile) {
        for (; end < tile.end; end++) {
            float* row = rows + end * padded;
            widen_all(row_of(x, s, end, head), s.size, row);
            for (int64_t e = s.size; e < padded; e++) row[e] = 0;
        }
    }
};

// The same by unit, in blocks of LANES keys: [C / LANES, E, LANES]; keys past the last one are zero.
template <typename T>
struct ByUnit {
    const T* x;
    const Shape& s;
    int64_t head, end = 0;
    float* blocks;

    ByUnit(const T* x, const Shape& s, int64_t head, Memory& memory)
        : x(x), s(s), head(head), blocks(memory.of((s.keys + LANES - 1) / LANES * s.size * LANES)) {}

    void take(const Tile& tile) {
        float row[MOST];
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

// Products of one row x [E] with CHUNKS blocks of keys. PARTS independent accumulators hide the latency of the additions.
// The result of a product does not depend on the number of blocks.
template <int CHUNKS>
void products_of(const float* x, const float* block, int64_t size, Floats* out) {
    constexpr int PARTS = 4;
    Floats total[PARTS][CHUNKS];
    for (auto& part : total)
        for (auto& y : part) y = fill(0);
    int64_t e = 0;
    for (; e + PARTS <= size; e += PARTS)
        for (int i = 0; i < PARTS; i++)
            for (int n = 0; n < CHUNKS; n++) total[i][n] += load(block + (n * size + e + i) * LANES) * x[e + i];
    for (; e < size; e++)
        for (int n = 0; n < CHUNKS; n++) total[0][n] += load(block + (n * size + e) * LANES) * x[e];
    for (int n = 0; n < CHUNKS; n++) out[n] = (total[0][n] + total[1][n]) + (total[2][n] + total[3][n]);
}

// Products of one row x [E] with the keys of an interval. Up to LANES - 1 places before `out` keep their values; places
// after the last product are overwritten.
void products(const float* x, const float* blocks, int64_t size, int64_t start, int64_t count, float* out) {
    if (!count) return;
    int64_t before = start % LANES, left = before + count;
    const float* block = blocks + start / LANES * size * LANES;
    out -= before;
    Floats kept = load(out), products[4];
    for (float* at = out; left > 0; left -= 4 * LANES, at += 4 * LANES, block += 4 * size * LANES) {
        if (left > 3 * LANES)
            products_of<4>(x, block, size, products);
        else if (left > 2 * LANES)
            products_of<3>(x, block, size, products);
        else if (left > LANES)
            products_of<2>(x, block, size, products);
        else
            products_of<1>(x, block, size, products);
        if (at == out) products[0] = first_lanes(kept, before, products[0]);
        for (int64_t n = 0; n < 4 && n * LANES < left; n++) store(at + n * LANES, products[n]);
    }
}

void all_products(const float* x, const float* blocks, int64_t size, const Seen& seen, float* out) {
    // The products of the second interval overwrite what the last vector of the first wrote past its end.
    for (int i = 0; i < 2; i++) {
        products(x, blocks, size, seen.start[i], seen.count[i], out);
        out += seen.count[i];
    }
}

// out [padded] = sum over the visible keys of factor * row.
template <int VECTORS>
void weighted_sum(const float* factors, const float* rows, const Seen& seen, float* out) {
    constexpr int UNROLL = VECTORS <= 2 ? 4 : 2;
    Floats total[UNROLL][VECTORS];
    for (auto& part : total)
        for (auto& x : part) x = fill(0);
    for (int i = 0; i < 2; i++) {
        const float* row = rows + seen.start[i] * VECTORS * LANES;
        int64_t c = 0;
        for (; c + UNROLL <= seen.count[i]; c += UNROLL)
            for (int u = 0; u < UNROLL; u++, row += VECTORS * LANES)
                for (int n = 0; n < VECTORS; n++) total[u][n] += load(row + n * LANES) * factors[c + u];
        for (; c < seen.count[i]; c++, row += VECTORS * LANES)
            for (int n = 0; n < VECTORS; n++) total[0][n] += load(row + n * LANES) * factors[c];
        factors += seen.count[i];
    }
    for (int n = 0; n < VECTORS; n++) {
        for (int u = 1; u < UNROLL; u++) total[0][n] += total[u][n];
        store(out + n * LANES, total[0][n]);
    }
}

// Add factor * x [padded] to the rows of all visible keys in `sums` [C, padded].
template <int VECTORS>
void add_to_keys(const float* factors, const float* x, const Seen& seen, float* sums) {
    Floats own[VECTORS];
    for (int n = 0; n < VECTORS; n++) own[n] = load(x + n * LANES);
    for (int i = 0; i < 2; i++) {
        float* row = sums + seen.start[i] * VECTORS * LANES;
        for (int64_t c = 0; c < seen.count[i]; c++, row += VECTORS * LANES)
            for (int n = 0; n < VECTORS; n++) store(row + n * LANES, load(row + n * LANES) + own[n] * factors[c]);
        factors += seen.count[i];
    }
}

// Dropout factors of the probabilities of one row; a function of seed, head, row and the index among the visible keys.
void draw(const Shape& s, int64_t head, int64_t row, int64_t count, float* factors) {
    uint32_t own = hash(hash(hash((uint32_t)s.seed) + (uint32_t)row) ^ hash((uint32_t)(s.seed >> 32) + 1 + (uint32_t)head));
    const uint32_t threshold = drop_threshold(s.dropout);
    const Floats kept = fill(keep_scale(s.dropout)), zero = fill(0);
    Uints place;
    for (int64_t i = 0; i < LANES; i++) place[i] = i;
    for (int64_t c = 0; c < count; c += LANES, place += (uint32_t)LANES)
        store(factors + c, hash(place * 0x9e3779b9u + own) >= threshold ? kept : zero);
}

// The largest of `count` >= 1 scores; NaN where any of them is NaN.
float largest_of(const float* scores, int64_t count) {
    Floats most = first_lanes(load(scores), count, scores[0]);
    for (int64_t c = LANES; c < count; c += LANES)
        most = maximum(first_lanes(load(scores + c), count - c, scores[0]), most);
    return reduce_max(most);
}

// Replace the scores of the visible keys by exp(scale * score - shift); returns the sum.
float exponentials(float* scores, int64_t count, float scale, float shift) {
    Floats total = fill(0);
    for (int64_t c = 0; c < count; c += LANES) {
        Floats e = first_lanes(exp_negative(load(scores + c) * scale - shift), count - c, 0);
        store(scores + c, e);
        total += e;
    }
    return reduce_sum(total);
}

template <typename T, int VECTORS>
void forward(const T* q, const T* k, const T* v, T* out, float* lse, const Shape& s, int64_t head) {
    constexpr int64_t PADDED = VECTORS * LANES;
    thread_local Memory keys_memory, values_memory, probs_memory, factors_memory;
    ByUnit<T> keys(k, s, head, keys_memory);
    ByRow<T> values(v, s, head, PADDED, values_memory);
    float q_row[PADDED], out_row[PADDED];
    for (int64_t row = 0; row < s.rows; row += TILE) {
        Tile tile(s, row);
        keys.take(tile);
        values.take(tile);
        int64_t most = tile.end - tile.start + 2 * ROOM;
        float *probs = probs_memory.of(most) + ROOM, *factors = factors_memory.of(most);
        for (int64_t r = tile.first; r < tile.last; r++) {
            Seen seen(s.spans + 4 * r);
            widen_all(row_of(q, s, r, head), s.size, q_row);
            all_products(q_row, keys.blocks, s.size, seen, probs);
            float top = seen.total ? largest_of(probs, seen.total) * s.scale : 0;
            float total = exponentials(probs, seen.total, s.scale, top);
            if (s.dropout > 0) {
                draw(s, head, r, seen.total, factors);
                for (int64_t c = 0; c < seen.total; c++) probs[c] *= factors[c];
            }
            weighted_sum<VECTORS>(probs, values.rows, seen, out_row);
            float inverse = seen.total ? 1 / total : 0;
            for (float& x : out_row) x *= inverse;
            narrow_all(out_row, s.size, row_of(out, s, r, head));
            lse[r * s.heads + head] = seen.total ? top + std::log(total) : 0;
        }
    }
}

template <typename T, int VECTORS>
void backward(const T* d_out, const T* q, const T* k, const T* v, const float* lse, T* dq, T* dk, T* dv, const Shape& s,
              int64_t head) {
    constexpr int64_t PADDED = VECTORS * LANES;
    thread_local Memory units_memory[2], rows_memory, acc_memory[2], probs_memory, ds_memory, factors_memory;
    ByUnit<T> keys(k, s, head, units_memory[0]), values(v, s, head, units_memory[1]);
    ByRow<T> key_rows(k, s, head, PADDED, rows_memory);
    float *dk_acc = acc_memory[0].of(s.keys * PADDED), *dv_acc = acc_memory[1].of(s.keys * PADDED);
    std::fill(dk_acc, dk_acc + s.keys * PADDED, 0.0f);
    std::fill(dv_acc, dv_acc + s.keys * PADDED, 0.0f);
    float q_row[PADDED] = {}, d_out_row[PADDED] = {}, dq_row[PADDED];
    for (int64_t row = 0; row < s.rows; row += TILE) {
        Tile tile(s, row);
        keys.take(tile);
        values.take(tile);
        key_rows.take(tile);
        int64_t most = tile.end - tile.start + 2 * ROOM;
        float *probs = probs_memory.of(most) + ROOM, *ds = ds_memory.of(most) + ROOM, *factors = factors_memory.of(most);
        if (s.dropout == 0) std::fill(factors, factors + most, 1.0f);
        for (int64_t r = tile.first; r < tile.last; r++) {
            Seen seen(s.spans + 4 * r);
            widen_all(row_of(q, s, r, head), s.size, q_row);
            widen_all(row_of(d_out, s, r, head), s.size, d_out_row);
            all_products(q_row, keys.blocks, s.size, seen, probs);
            all_products(d_out_row, values.blocks, s.size, seen, ds);
            // The stored lse is rounded; normalising again makes the probabilities sum to one.
            float inverse = 1 / exponentials(probs, seen.total, s.scale, lse[r * s.heads + head]);
            if (s.dropout > 0) draw(s, head, r, seen.total, factors);
            // delta comes from the same products as ds, not from the rounded output: in a saturated row they cancel.
            Floats deltas = fill(0);
            for (int64_t c = 0; c < seen.total; c += LANES) {
                Floats p = load(&probs[c]) * inverse, d = load(&ds[c]) * load(&factors[c]);
                store(&probs[c], p);
                store(&ds[c], d);
                deltas += first_lanes(p * d, seen.total - c, 0);
            }
            float delta = reduce_sum(deltas);
            for (int64_t c = 0; c < seen.total; c += LANES) {
                Floats p = load(&probs[c]), f = load(&factors[c]);
                store(&ds[c], p * (load(&ds[c]) - delta) * s.scale);
                store(&probs[c], p * f);
            }
            weighted_sum<VECTORS>(ds, key_rows.rows, seen, dq_row);
            narrow_all(dq_row, s.size, row_of(dq, s, r, head));
            add_to_keys<VECTORS>(ds, q_row, seen, dk_acc);
            add_to_keys<VECTORS>(probs, d_out_row, seen, dv_acc);
        }
    }
    for (int64_t c = 0; c < s.keys; c++) {
        narrow_all(dk_acc + c * PADDED, s.size, row_of(dk, s, c, head));
        narrow_all(dv_acc + c * PADDED, s.size, row_of(dv, s, c, head));
    }
}

template <typename T, int VECTORS>
void forward_heads(const void* q, const void* k, const void* v, void* out, float* lse, const Shape& s, int threads) {
#pragma omp parallel for num_threads(threads)
    for (int64_t head = 0; head < s.heads; head++)
        forward<T, VECTORS>((const T*)q, (const T*)k, (const T*)v, (T*)out, lse, s, head);
}

template <typename T, int VECTORS>
void backward_heads(const void* d_out, const void* q, const void* k, const void* v, const float* lse, void* dq,
                    void* dk, void* dv, const Shape& s, int threads) {
#pragma omp parallel for num_threads(threads)
    for (int64_t head = 0; head < s.heads; head++)
        backward<T, VECTORS>((const T*)d_out, (const T*)q, (const T*)k, (const T*)v, lse, (T*)dq, (T*)dk, (T*)dv,
                             s, head);
}

// Calls FUNCTION<T, vectors per head> for the type and the head size; returns 1 where the size is too large.
#define BY_SIZE(FUNCTION, T, ...)                                   \
    switch ((shape.size + LANES - 1) / LANES) {                     \
        case 1: FUNCTION<T, 1>(__VA_ARGS__); return 0;              \
        case 2: FUNCTION<T, 2>(__VA_ARGS__); return 0;              \
        case 3: FUNCTION<T, 3>(__VA_ARGS__); return 0;              \
        case 4: FUNCTION<T, 4>(__VA_ARGS__); return 0;              \
        case 5: FUNCTION<T, 5>(__VA_ARGS__); return 0;              \
        case 6: FUNCTION<T, 6>(__VA_ARGS__); return 0;              \
        case 7: FUNCTION<T, 7>(__VA_ARGS__); return 0;              \
        case 8: FUNCTION<T, 8>(__VA_ARGS__); return 0;              \
        default: return 1;                                          \
    }

}  // namespace

// q, out: [P, H, E]; k, v: [C, H, E]; lse: [P, H]; contiguous, float32 or, where `half`, bfloat16.
extern "C" int span_forward(const void* q, const void* k, const void* v, const int32_t* spans, void* out,
                            float* lse, int half, int64_t rows, int64_t keys, int64_t heads, int64_t size,
                            float scale, float dropout, uint64_t seed, int threads) {
    Shape shape{rows, keys, heads, size, spans, scale, dropout, seed};
    if (half) BY_SIZE(forward_heads, uint16_t, q, k, v, out, lse, shape, threads)
    BY_SIZE(forward_heads, float, q, k, v, out, lse, shape, threads)
}

extern "C" int span_backward(const void* d_out, const void* q, const void* k, const void* v, const int32_t* spans,
                             const float* lse, void* dq, void* dk, void* dv, int half,
                             int64_t rows, int64_t keys, int64_t heads, int64_t size, float scale, float dropout,
                             uint64_t seed, int threads) {
    Shape shape{rows, keys, heads, size, spans, scale, dropout, seed};
    if (half) BY_SIZE(backward_heads, uint16_t, d_out, q, k, v, lse, dq, dk, dv, shape, threads)
    BY_SIZE(backward_heads, float, d_out, q, k, v, lse, dq, dk, dv, shape, threads)
}

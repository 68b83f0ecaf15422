// Residual, dropout and layer normalisation of rows on a CPU, in one pass over memory in each direction.
//
// Axes: N rows, D units. Rows, normalised rows and their gradients are float32; the update, its gradient and the copy of
// the output for the next matrix products (`lean`) are float32 or bfloat16.
#include <vector>

#include "vectors.h"

namespace {

struct Shape {
    int64_t rows, size;
    float epsilon, dropout;
    uint64_t seed;
};

// Dropout factors of the vector of units that begins at `unit`; a function of seed, row and unit.
struct Dropout {
    uint32_t own, threshold;
    Floats kept;
    Uints lane;
    Dropout(const Shape& s, int64_t row)
        : own(hash(hash(hash((uint32_t)s.seed) + (uint32_t)row) ^ hash((uint32_t)(s.seed >> 32) + 1))),
          threshold(drop_threshold(s.dropout)),
          kept(fill(keep_scale(s.dropout))) {
        for (int64_t i = 0; i < LANES; i++) lane[i] = i;
    }
    Floats at(int64_t unit) const {
        return hash((lane + (uint32_t)unit) * 0x9e3779b9u + own) >= threshold ? kept : fill(0);
    }
};

// Load a vector of a row of `size` units in either type, with zeros past the last unit; and store it.
template <typename T>
Floats take(const T* row, int64_t unit, int64_t size) {
    if (unit + LANES <= size) return load_wide(row + unit);
    float some[LANES] = {};
    widen_all(row + unit, size - unit, some);
    return load(some);
}

template <typename T>
void put(T* row, int64_t unit, int64_t size, Floats x) {
    if (unit + LANES <= size) return store_narrow(row + unit, x);
    float all[LANES];
    store(all, x);
    narrow_all(all, size - unit, row + unit);
}

template <typename T>
void forward_row(const float* rows, const T* update, const float* weight, const float* bias, float* out, T* lean,
                 float* normalised, float* rstd, const Shape& s, int64_t row, float* residual) {
    const float* x = rows + row * s.size;
    const T* u = update + row * s.size;
    Dropout dropout(s, row);
    Floats total = fill(0);
    for (int64_t d = 0; d < s.size; d += LANES) {
        Floats added = take(u, d, s.size);
        if (s.dropout > 0) added *= dropout.at(d);
        added += take(x, d, s.size);
        store(residual + d, added);
        total += added;
    }
    float mean = reduce_sum(total) / s.size;
    Floats squares = fill(0);
    for (int64_t d = 0; d < s.size; d += LANES) {
        Floats centred = load(residual + d) - mean;
        store(residual + d, centred);
        centred = first_lanes(centred, s.size - d, 0);
        squares += centred * centred;
    }
    float scale = 1 / std::sqrt(reduce_sum(squares) / s.size + s.epsilon);
    rstd[row] = scale;
    for (int64_t d = 0; d < s.size; d += LANES) {
        Floats n = load(residual + d) * scale;
        put(normalised + row * s.size, d, s.size, n);
        Floats y = n * take(weight, d, s.size) + take(bias, d, s.size);
        put(out + row * s.size, d, s.size, y);
        if (lean) put(lean + row * s.size, d, s.size, y);
    }
}

// Gradients of one row; those of weight and bias are added to `d_weight` and `d_bias` (whole vectors, D padded).
template <typename T>
void backward_row(const float* d_out, const T* d_lean, const float* normalised, const float* rstd, const float* weight,
                  float* d_rows, T* d_update, const Shape& s, int64_t row, float* d_normalised, float* d_weight,
                  float* d_bias) {
    const float* n = normalised + row * s.size;
    Floats total = fill(0), total_product = fill(0);
    for (int64_t d = 0; d < s.size; d += LANES) {
        Floats g = d_out ? take(d_out + row * s.size, d, s.size) : fill(0);
        if (d_lean) g += take(d_lean + row * s.size, d, s.size);
        Floats unit = take(n, d, s.size);
        store(d_weight + d, load(d_weight + d) + g * unit);
        store(d_bias + d, load(d_bias + d) + g);
        g *= take(weight, d, s.size);
        store(d_normalised + d, g);
        total += g;
        total_product += g * unit;
    }
    float mean = reduce_sum(total) / s.size, mean_product = reduce_sum(total_product) / s.size;
    Dropout dropout(s, row);
    for (int64_t d = 0; d < s.size; d += LANES) {
        Floats g = (load(d_normalised + d) - mean - take(n, d, s.size) * mean_product) * rstd[row];
        put(d_rows + row * s.size, d, s.size, g);
        if (s.dropout > 0) g *= dropout.at(d);
        put(d_update + row * s.size, d, s.size, g);
    }
}

int64_t padded(const Shape& s) { return (s.size + LANES - 1) / LANES * LANES; }

template <typename T>
void forward(const float* rows, const T* update, const float* weight, const float* bias, float* out, T* lean,
             float* normalised, float* rstd, const Shape& s, int threads) {
#pragma omp parallel num_threads(threads)
    {
        std::vector<float> residual(padded(s));
#pragma omp for
        for (int64_t row = 0; row < s.rows; row++)
            forward_row(rows, update, weight, bias, out, lean, normalised, rstd, s, row, residual.data());
    }
}

// Each block of rows sums its own gradients of weight and bias, which are added in the order of the blocks, so that the
// result does not depend on the number of threads.
template <typename T>
void backward(const float* d_out, const T* d_lean, const float* normalised, const float* rstd, const float* weight,
              float* d_rows, T* d_update, float* d_weight, float* d_bias, const Shape& s, int threads) {
    constexpr int64_t BLOCK = 1024;
    int64_t blocks = (s.rows + BLOCK - 1) / BLOCK, width = padded(s);
    std::vector<float> of_blocks(2 * blocks * width);
#pragma omp parallel num_threads(threads)
    {
        std::vector<float> d_normalised(width);
#pragma omp for
        for (int64_t b = 0; b < blocks; b++) {
            float* own = of_blocks.data() + 2 * b * width;
            for (int64_t row = b * BLOCK; row < s.rows && row < (b + 1) * BLOCK; row++)
                backward_row(d_out, d_lean, normalised, rstd, weight, d_rows, d_update, s, row, d_normalised.data(),
                             own, own + width);
        }
    }
    for (int64_t d = 0; d < s.size; d++) {
        d_weight[d] = d_bias[d] = 0;
        for (int64_t b = 0; b < blocks; b++) {
            d_weight[d] += of_blocks[2 * b * width + d];
            d_bias[d] += of_blocks[(2 * b + 1) * width + d];
        }
    }
}

}  // namespace

// rows, out, normalised: [N, D] float32; update, lean: [N, D] float32 or, where `half`, bfloat16; weight, bias: [D];
// rstd: [N]; all contiguous. lean may be null.
extern "C" void norm_forward(const float* rows, const void* update, const float* weight, const float* bias, float* out,
                             void* lean, float* normalised, float* rstd, int half, int64_t count, int64_t size,
                             float epsilon, float dropout, uint64_t seed, int threads) {
    Shape s{count, size, epsilon, dropout, seed};
    if (half)
        forward(rows, (const uint16_t*)update, weight, bias, out, (uint16_t*)lean, normalised, rstd, s, threads);
    else
        forward(rows, (const float*)update, weight, bias, out, (float*)lean, normalised, rstd, s, threads);
}

// d_out, d_rows: [N, D] float32; d_lean, d_update: [N, D] in the type of the update; d_out or d_lean may be null.
extern "C" void norm_backward(const float* d_out, const void* d_lean, const float* normalised, const float* rstd,
                              const float* weight, float* d_rows, void* d_update, float* d_weight, float* d_bias,
                              int half, int64_t count, int64_t size, float epsilon, float dropout, uint64_t seed,
                              int threads) {
    Shape s{count, size, epsilon, dropout, seed};
    if (half)
        backward(d_out, (const uint16_t*)d_lean, normalised, rstd, weight, d_rows, (uint16_t*)d_update, d_weight,
                 d_bias, s, threads);
    else
        backward(d_out, (const float*)d_lean, normalised, rstd, weight, d_rows, (float*)d_update, d_weight, d_bias, s,
                 threads);
}

// Fused dropout, residual addition and layer normalisation on a CPU, in one pass over memory in each direction.
//
// Axes: N rows, D model. residual, out, x_hat and their gradients are float32; x, out_cast (the output in the dtype of
// the next matrix products) and their gradients are float32 or bfloat16.
#include <vector>

#include "vectors.h"

namespace {

struct Shape {
    int64_t rows, size;
    float eps, dropout;
    uint64_t seed;
};

// Dropout factors of one row, LANES elements at a time: a function of seed, row and element.
struct Dropout {
    uint32_t row_hash, threshold;
    Floats scale;
    Uints lane;
    Dropout(const Shape& s, int64_t row)
        : row_hash(hash(hash(hash((uint32_t)s.seed) + (uint32_t)row) ^ hash((uint32_t)(s.seed >> 32) + 1))),
          threshold(drop_threshold(s.dropout)),
          scale(fill(keep_scale(s.dropout))) {
        for (int64_t i = 0; i < LANES; i++) lane[i] = i;
    }
    Floats at(int64_t d) const {
        return hash((lane + (uint32_t)d) * 0x9e3779b9u + row_hash) >= threshold ? scale : fill(0);
    }
};

// Load LANES elements of row [size] in either type, with zeros past its end; store those inside the row.
template <typename T>
Floats load_padded(const T* row, int64_t d, int64_t size) {
    if (d + LANES <= size) return load_wide(row + d);
    float values[LANES] = {};
    widen_all(row + d, size - d, values);
    return load(values);
}

template <typename T>
void store_padded(T* row, int64_t d, int64_t size, Floats x) {
    if (d + LANES <= size) return store_narrow(row + d, x);
    float values[LANES];
    store(values, x);
    narrow_all(values, size - d, row + d);
}

// residual, x, out, out_cast, x_hat: [N, D]; weight, bias: [D]; rstd: [N]; centred: [padded D], a buffer.
template <typename T>
void forward_row(const float* residual, const T* x, const float* weight, const float* bias, float* out, T* out_cast,
                 float* x_hat, float* rstd, const Shape& s, int64_t row, float* centred) {
    const float* residual_row = residual + row * s.size;
    const T* x_row = x + row * s.size;
    Dropout dropout(s, row);
    Floats total = fill(0);
    for (int64_t d = 0; d < s.size; d += LANES) {
        Floats y = load_padded(x_row, d, s.size);
        if (s.dropout > 0) y *= dropout.at(d);
        y += load_padded(residual_row, d, s.size);
        store(centred + d, y);
        total += y;
    }
    float mean = reduce_sum(total) / s.size;
    Floats squares = fill(0);
    for (int64_t d = 0; d < s.size; d += LANES) {
        Floats y = load(centred + d) - mean;
        store(centred + d, y);
        y = first_lanes(y, s.size - d, 0);
        squares += y * y;
    }
    float row_rstd = 1 / std::sqrt(reduce_sum(squares) / s.size + s.eps);
    rstd[row] = row_rstd;
    for (int64_t d = 0; d < s.size; d += LANES) {
        Floats n = load(centred + d) * row_rstd;
        store_padded(x_hat + row * s.size, d, s.size, n);
        Floats y = n * load_padded(weight, d, s.size) + load_padded(bias, d, s.size);
        store_padded(out + row * s.size, d, s.size, y);
        if (out_cast) store_padded(out_cast + row * s.size, d, s.size, y);
    }
}

// Gradients of one row. Those of weight and bias are accumulated in d_weight and d_bias; d_x_hat is a buffer. All three
// are [padded D].
template <typename T>
void backward_row(const float* d_out, const T* d_out_cast, const float* x_hat, const float* rstd, const float* weight,
                  float* d_residual, T* d_x, const Shape& s, int64_t row, float* d_x_hat, float* d_weight,
                  float* d_bias) {
    const float* x_hat_row = x_hat + row * s.size;
    Floats total = fill(0), total_dot = fill(0);
    for (int64_t d = 0; d < s.size; d += LANES) {
        Floats g = d_out ? load_padded(d_out + row * s.size, d, s.size) : fill(0);
        if (d_out_cast) g += load_padded(d_out_cast + row * s.size, d, s.size);
        Floats n = load_padded(x_hat_row, d, s.size);
        store(d_weight + d, load(d_weight + d) + g * n);
        store(d_bias + d, load(d_bias + d) + g);
        g *= load_padded(weight, d, s.size);
        store(d_x_hat + d, g);
        total += g;
        total_dot += g * n;
    }
    // d_residual = rstd * (d_x_hat - mean(d_x_hat) - x_hat * mean(d_x_hat * x_hat))
    float mean = reduce_sum(total) / s.size, mean_dot = reduce_sum(total_dot) / s.size;
    Dropout dropout(s, row);
    for (int64_t d = 0; d < s.size; d += LANES) {
        Floats g = (load(d_x_hat + d) - mean - load_padded(x_hat_row, d, s.size) * mean_dot) * rstd[row];
        store_padded(d_residual + row * s.size, d, s.size, g);
        if (s.dropout > 0) g *= dropout.at(d);
        store_padded(d_x + row * s.size, d, s.size, g);
    }
}

int64_t padded(const Shape& s) { return (s.size + LANES - 1) / LANES * LANES; }

template <typename T>
void forward(const float* residual, const T* x, const float* weight, const float* bias, float* out, T* out_cast,
             float* x_hat, float* rstd, const Shape& s, int threads) {
#pragma omp parallel num_threads(threads)
    {
        std::vector<float> centred(padded(s));
#pragma omp for
        for (int64_t row = 0; row < s.rows; row++)
            forward_row(residual, x, weight, bias, out, out_cast, x_hat, rstd, s, row, centred.data());
    }
}

// Each block of rows has its own partial sums of d_weight and d_bias, added in the order of the blocks, so that the
// result does not depend on the number of threads.
template <typename T>
void backward(const float* d_out, const T* d_out_cast, const float* x_hat, const float* rstd, const float* weight,
              float* d_residual, T* d_x, float* d_weight, float* d_bias, const Shape& s, int threads) {
    constexpr int64_t BLOCK = 1024;
    int64_t blocks = (s.rows + BLOCK - 1) / BLOCK, width = padded(s);
    // [blocks, 2, padded D]
    std::vector<float> partial(2 * blocks * width);
#pragma omp parallel num_threads(threads)
    {
        std::vector<float> d_x_hat(width);
#pragma omp for
        for (int64_t b = 0; b < blocks; b++) {
            float* block_sums = partial.data() + 2 * b * width;
            for (int64_t row = b * BLOCK; row < s.rows && row < (b + 1) * BLOCK; row++)
                backward_row(d_out, d_out_cast, x_hat, rstd, weight, d_residual, d_x, s, row, d_x_hat.data(),
                             block_sums, block_sums + width);
        }
    }
    for (int64_t d = 0; d < s.size; d++) {
        d_weight[d] = d_bias[d] = 0;
        for (int64_t b = 0; b < blocks; b++) {
            d_weight[d] += partial[2 * b * width + d];
            d_bias[d] += partial[(2 * b + 1) * width + d];
        }
    }
}

}  // namespace

// residual, out, x_hat: [N, D] float32; x, out_cast: [N, D] float32, or bfloat16 if `half`; weight, bias: [D];
// rstd: [N]; all contiguous. out_cast may be null.
extern "C" void norm_forward(const float* residual, const void* x, const float* weight, const float* bias, float* out,
                             void* out_cast, float* x_hat, float* rstd, int half, int64_t rows, int64_t size,
                             float eps, float dropout, uint64_t seed, int threads) {
    Shape s{rows, size, eps, dropout, seed};
    if (half)
        forward(residual, (const uint16_t*)x, weight, bias, out, (uint16_t*)out_cast, x_hat, rstd, s, threads);
    else
        forward(residual, (const float*)x, weight, bias, out, (float*)out_cast, x_hat, rstd, s, threads);
}

// d_out, d_residual: [N, D] float32; d_out_cast, d_x: [N, D] in the type of x; d_weight, d_bias: [D]. d_out or
// d_out_cast may be null.
extern "C" void norm_backward(const float* d_out, const void* d_out_cast, const float* x_hat, const float* rstd,
                              const float* weight, float* d_residual, void* d_x, float* d_weight, float* d_bias,
                              int half, int64_t rows, int64_t size, float eps, float dropout, uint64_t seed,
                              int threads) {
    Shape s{rows, size, eps, dropout, seed};
    if (half)
        backward(d_out, (const uint16_t*)d_out_cast, x_hat, rstd, weight, d_residual, (uint16_t*)d_x, d_weight,
                 d_bias, s, threads);
    else
        backward(d_out, (const float*)d_out_cast, x_hat, rstd, weight, d_residual, (float*)d_x, d_weight, d_bias, s,
                 threads);
}

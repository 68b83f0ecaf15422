// Attention of hypotheses over their past steps. A table of ancestors locates these in the cache, so keys and
// values are never moved.
//
// Axes: N hypotheses, R query rows per hypothesis, T past steps, W cached rows per step, H heads, E head size.
#include <vector>

#include "vectors.h"

namespace {

// Dot product of x and y [size].
float dot(const float* x, const float* y, int64_t size) {
    Floats total = fill(0);
    int64_t e = 0;
    for (; e + LANES <= size; e += LANES) total += load(x + e) * load(y + e);
    float tail = 0;
    for (; e < size; e++) tail += x[e] * y[e];
    return reduce_sum(total) + tail;
}

// y [size] += a * x [size]
void axpy(float* y, float a, const float* x, int64_t size) {
    int64_t e = 0;
    for (; e + LANES <= size; e += LANES) store(y + e, load(y + e) + load(x + e) * a);
    for (; e < size; e++) y[e] += x[e] * a;
}

// In-place softmax of scores [T].
void softmax(float* scores, int64_t steps) {
    float row_max = scores[0], row_sum = 0;
    for (int64_t t = 1; t < steps; t++) row_max = scores[t] > row_max || scores[t] != scores[t] ? scores[t] : row_max;
    for (int64_t t = 0; t < steps; t++) row_sum += scores[t] = std::exp(scores[t] - row_max);
    for (int64_t t = 0; t < steps; t++) scores[t] /= row_sum;
}

}  // namespace

// q, out: [N, R, H, E]; k, v: [T, W, H, E]; contiguous. ancestors: [N, T], with row stride `stride`.
extern "C" void cached_attention(const float* q, const float* k, const float* v, const int32_t* ancestors,
                                 float* out, int64_t rows, int64_t queries, int64_t steps, int64_t width,
                                 int64_t stride, int64_t heads, int64_t size, float scale, int threads) {
    const int64_t dimension = heads * size, query_heads = queries * heads;
#pragma omp parallel num_threads(threads)
    {
        // scores: [R * H, T], turned into probabilities in place; q_n, out_n: [R, H, E]; k_row, v_row: [H, E]
        std::vector<float> scores(query_heads * steps);
#pragma omp for
        for (int64_t n = 0; n < rows; n++) {
            const int32_t* ancestor = ancestors + n * stride;
            const float* q_n = q + n * queries * dimension;
            float* out_n = out + n * queries * dimension;
            for (int64_t t = 0; t < steps; t++) {
                const float* k_row = k + (t * width + ancestor[t]) * dimension;
                for (int64_t i = 0; i < query_heads; i++)
                    scores[i * steps + t] = scale * dot(q_n + i * size, k_row + i % heads * size, size);
            }
            for (int64_t i = 0; i < query_heads; i++) softmax(&scores[i * steps], steps);
            std::memset(out_n, 0, queries * dimension * sizeof(float));
            for (int64_t t = 0; t < steps; t++) {
                const float* v_row = v + (t * width + ancestor[t]) * dimension;
                for (int64_t i = 0; i < query_heads; i++)
                    axpy(out_n + i * size, scores[i * steps + t], v_row + i % heads * size, size);
            }
        }
    }
}

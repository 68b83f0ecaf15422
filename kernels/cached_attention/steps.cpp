// Attention of hypotheses to their past steps, which are looked up in a table of ancestors, so that no key is ever moved.
//
// Axes: N hypotheses, R query rows of each, T steps so far, W rows per step in memory, H heads, E head size.
#include <vector>

#include "vectors.h"

namespace {

float product(const float* x, const float* y, int64_t size) {
    Floats total = fill(0);
    int64_t e = 0;
    for (; e + LANES <= size; e += LANES) total += load(x + e) * load(y + e);
    float rest = 0;
    for (; e < size; e++) rest += x[e] * y[e];
    return reduce_sum(total) + rest;
}

// out_rows [size] += factor * x [size]
void add(float* out_rows, float factor, const float* x, int64_t size) {
    int64_t e = 0;
    for (; e + LANES <= size; e += LANES) store(out_rows + e, load(out_rows + e) + load(x + e) * factor);
    for (; e < size; e++) out_rows[e] += x[e] * factor;
}

// Turn scores [T] into probabilities, in place.
void softmax(float* scores, int64_t steps) {
    float top = scores[0], total = 0;
    for (int64_t t = 1; t < steps; t++) top = scores[t] > top || scores[t] != scores[t] ? scores[t] : top;
    for (int64_t t = 0; t < steps; t++) total += scores[t] = std::exp(scores[t] - top);
    for (int64_t t = 0; t < steps; t++) scores[t] /= total;
}

}  // namespace

// q, out: [N, R, H, E]; keys, values: [T, W, H, E]; contiguous. ancestors: [N, T] rows of each step, with row stride
// `stride`.
extern "C" void cached_attention(const float* q, const float* keys, const float* values, const int32_t* ancestors,
                                 float* out, int64_t rows, int64_t queries_each, int64_t steps, int64_t width,
                                 int64_t stride, int64_t heads, int64_t size, float scale, int threads) {
    const int64_t dimension = heads * size, query_heads = queries_each * heads;
#pragma omp parallel num_threads(threads)
    {
        std::vector<float> probs(query_heads * steps);
#pragma omp for
        for (int64_t n = 0; n < rows; n++) {
            const int32_t* own = ancestors + n * stride;
            const float* queries = q + n * queries_each * dimension;
            float* out_rows = out + n * queries_each * dimension;
            for (int64_t t = 0; t < steps; t++) {
                const float* key = keys + (t * width + own[t]) * dimension;
                for (int64_t i = 0; i < query_heads; i++)
                    probs[i * steps + t] = scale * product(queries + i * size, key + i % heads * size, size);
            }
            for (int64_t i = 0; i < query_heads; i++) softmax(&probs[i * steps], steps);
            std::memset(out_rows, 0, queries_each * dimension * sizeof(float));
            for (int64_t t = 0; t < steps; t++) {
                const float* value = values + (t * width + own[t]) * dimension;
                for (int64_t i = 0; i < query_heads; i++)
                    add(out_rows + i * size, probs[i * steps + t], value + i % heads * size, size);
            }
        }
    }
}

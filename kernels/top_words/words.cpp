// Top-k of the log-softmax of each row. A row is read once for its log-sum-exp and once for the selection, in which few
// logits exceed the smallest one kept so far.
//
// Axes: N rows, V vocabulary.
#include <limits>
#include <vector>

#include "vectors.h"

namespace {

// Logits that are compared with the threshold at a time.
constexpr int64_t BLOCK = 4 * LANES;

struct TopK {
    int64_t k;
    std::vector<float> logits;  // [k], in descending order
    std::vector<int64_t> indices;
    explicit TopK(int64_t k) : k(k), logits(k), indices(k) {}

    void clear() {
        for (int64_t i = 0; i < k; i++) logits[i] = -std::numeric_limits<float>::infinity(), indices[i] = 0;
    }
    float min() const { return logits[k - 1]; }
    // Inserts after equal logits, which have smaller indices.
    void insert(float logit, int64_t index) {
        int64_t i = k - 1;
        for (; i > 0 && logits[i - 1] < logit; i--) logits[i] = logits[i - 1], indices[i] = indices[i - 1];
        logits[i] = logit, indices[i] = index;
    }
};

// row: [V]
float log_sum_exp(const float* row, int64_t vocab_size) {
    float row_max = reduce_max(row, vocab_size);
    Floats sum_exp = fill(0);
    for (int64_t v = 0; v < vocab_size; v += LANES) {
        if (v + LANES <= vocab_size) {
            sum_exp += exp_negative(load(row + v) - row_max);
            continue;
        }
        Floats e = exp_negative(load_partial(row + v, vocab_size - v, row_max) - row_max);
        for (int64_t i = vocab_size - v; i < LANES; i++) e[i] = 0;
        sum_exp += e;
    }
    return row_max + std::log(reduce_sum(sum_exp));
}

// Fill `top` from row [V]. A block without a logit above the threshold is skipped after one vector comparison.
void select(const float* row, int64_t vocab_size, const int64_t* banned, int64_t num_banned, TopK& top) {
    auto allowed = [&](int64_t index) {
        for (int64_t i = 0; i < num_banned; i++)
            if (banned[i] == index) return false;
        return true;
    };
    top.clear();
    for (int64_t v = 0; v < vocab_size; v += BLOCK) {
        int64_t end = v + BLOCK <= vocab_size ? v + BLOCK : vocab_size;
        if (end == v + BLOCK) {
            Floats block_max = load(row + v);
            for (int64_t i = LANES; i < BLOCK; i += LANES) {
                Floats x = load(row + v + i);
                block_max = x > block_max ? x : block_max;
            }
            Ints better = block_max > top.min();
            int32_t any = 0;
            for (int64_t i = 0; i < LANES; i++) any |= better[i];
            if (!any) continue;
        }
        for (int64_t index = v; index < end; index++)
            if (row[index] > top.min() && allowed(index)) top.insert(row[index], index);
    }
}

}  // namespace

// logits: [N, V]; banned: [num_banned]; log_probs, indices: [N, k]; contiguous. Words in `banned` are not selected; if
// fewer than k are left, the remaining log-probabilities are minus infinity. A row that contains NaN yields NaN.
extern "C" void top_words(const float* logits, int64_t rows, int64_t vocab_size, int64_t k, const int64_t* banned,
                          int64_t num_banned, float* log_probs, int64_t* indices, int threads) {
#pragma omp parallel num_threads(threads)
    {
        TopK top(k);
#pragma omp for
        for (int64_t n = 0; n < rows; n++) {
            const float* row = logits + n * vocab_size;
            float lse = log_sum_exp(row, vocab_size);
            select(row, vocab_size, banned, num_banned, top);
            for (int64_t i = 0; i < k; i++) {
                log_probs[n * k + i] = top.logits[i] - lse;
                indices[n * k + i] = top.indices[i];
            }
        }
    }
}

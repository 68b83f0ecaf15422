// The most probable words of each row of scores. A row is read once for its log-sum-exp and once for the words, few of
// which exceed the worst score kept so far.
//
// Axes: N rows, V vocabulary, K words kept.
#include <limits>
#include <vector>

#include "vectors.h"

namespace {

// Scores that are compared at a time.
constexpr int64_t BLOCK = 4 * LANES;

struct Best {
    int64_t count;
    std::vector<float> scores;  // [K], the highest first
    std::vector<int64_t> words;
    explicit Best(int64_t k) : count(k), scores(k), words(k) {}

    void clear() {
        for (int64_t i = 0; i < count; i++) scores[i] = -std::numeric_limits<float>::infinity(), words[i] = 0;
    }
    float worst() const { return scores[count - 1]; }
    // After those with the same score, which come earlier in the vocabulary.
    void insert(float score, int64_t word) {
        int64_t i = count - 1;
        for (; i > 0 && scores[i - 1] < score; i--) scores[i] = scores[i - 1], words[i] = words[i - 1];
        scores[i] = score, words[i] = word;
    }
};

float log_sum_exp(const float* row, int64_t words) {
    float top = reduce_max(row, words);
    Floats total = fill(0);
    for (int64_t v = 0; v < words; v += LANES) {
        if (v + LANES <= words) {
            total += exp_negative(load(row + v) - top);
            continue;
        }
        Floats e = exp_negative(load_partial(row + v, words - v, top) - top);
        for (int64_t i = words - v; i < LANES; i++) e[i] = 0;
        total += e;
    }
    return top + std::log(reduce_sum(total));
}

void select(const float* row, int64_t words, const int64_t* banned, int64_t bans, Best& best) {
    auto allowed = [&](int64_t word) {
        for (int64_t i = 0; i < bans; i++)
            if (banned[i] == word) return false;
        return true;
    };
    best.clear();
    for (int64_t v = 0; v < words; v += BLOCK) {
        int64_t end = v + BLOCK <= words ? v + BLOCK : words;
        if (end == v + BLOCK) {
            Floats most = load(row + v);
            for (int64_t i = LANES; i < BLOCK; i += LANES) {
                Floats x = load(row + v + i);
                most = x > most ? x : most;
            }
            Ints better = most > best.worst();
            int32_t any = 0;
            for (int64_t i = 0; i < LANES; i++) any |= better[i];
            if (!any) continue;
        }
        for (int64_t word = v; word < end; word++)
            if (row[word] > best.worst() && allowed(word)) best.insert(row[word], word);
    }
}

}  // namespace

// logits: [N, V]; log_probs, chosen: [N, K]; contiguous. Words of `banned` are not chosen; if fewer than K are left, the
// rest has a log-probability of minus infinity. A row that contains NaN gets log-probabilities of NaN.
extern "C" void top_words(const float* logits, int64_t rows, int64_t words, int64_t count, const int64_t* banned,
                          int64_t bans, float* log_probs, int64_t* chosen, int threads) {
#pragma omp parallel num_threads(threads)
    {
        Best best(count);
#pragma omp for
        for (int64_t n = 0; n < rows; n++) {
            const float* row = logits + n * words;
            float lse = log_sum_exp(row, words);
            select(row, words, banned, bans, best);
            for (int64_t i = 0; i < count; i++) {
                log_probs[n * count + i] = best.scores[i] - lse;
                chosen[n * count + i] = best.words[i];
            }
        }
    }
}

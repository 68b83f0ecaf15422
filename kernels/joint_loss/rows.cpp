// Losses and gradients of a chunk of logits, one token at a time, so that all passes but the first hit the cache.
//
// Axes: K streams that predict the same tokens, C tokens, V vocabulary, E pairs of streams. The formulas are those of
// rows.py, the implementation in plain PyTorch.
#include <vector>

#include "vectors.h"

namespace {

struct Task {
    int64_t streams, tokens, words, pairs;
    const int64_t* labels;     // [K, C], rows `row` apart
    const float* row_weights;  // [K, C], likewise
    float *smoothed, *nll;     // [K, C], likewise
    int64_t row;
    float* divergence;  // [E, C], rows `pair_row` apart
    int64_t pair_row;
    const int64_t *first, *second;  // [E]
    const float* weights;           // [E]
    float smoothing;
    bool gradient;
};

// The buffers of one thread: scores, probabilities and gradients [K, padded V] each, and the log-sum-exp [K].
struct Scratch {
    int64_t width;
    std::vector<float> scores, probs, gradients, lse;
    Scratch(const Task& t)
        : width((t.words + LANES - 1) / LANES * LANES),
          scores(t.streams * width),
          probs(t.streams * width),
          gradients(t.streams * width),
          lse(t.streams) {}
};

// Scores and probabilities of one row; padding has probability zero.
template <typename T>
void softmax(const T* logits, const Task& t, Scratch& s, int64_t stream, int64_t token) {
    float *scores = &s.scores[stream * s.width], *probs = &s.probs[stream * s.width];
    widen_all(logits, t.words, scores);
    for (int64_t v = t.words; v < s.width; v++) scores[v] = 0;
    float top = reduce_max(scores, t.words);
    Floats total = fill(0), all = fill(0);
    for (int64_t v = 0; v < s.width; v += LANES) {
        Floats x = load(scores + v), e = exp_negative(x - top);
        if (v + LANES > t.words)
            for (int64_t i = t.words - v; i < LANES; i++) e[i] = 0;
        store(probs + v, e);
        total += e;
        all += x;
    }
    float lse = top + std::log(reduce_sum(total)), inverse = 1 / reduce_sum(total);
    for (int64_t v = 0; v < s.width; v += LANES) store(probs + v, load(probs + v) * inverse);
    s.lse[stream] = lse;
    int64_t at = stream * t.row + token;
    t.nll[at] = lse - scores[t.labels[at]];
    t.smoothed[at] = (1 - t.smoothing) * t.nll[at] - t.smoothing * (reduce_sum(all) / t.words - lse);
}

// Gradient of the weighted cross entropy: p - smoothed one-hot.
void cross_entropy_gradient(const Task& t, Scratch& s, int64_t stream, int64_t token) {
    float *probs = &s.probs[stream * s.width], *gradients = &s.gradients[stream * s.width];
    int64_t at = stream * t.row + token;
    float weight = t.row_weights[at], even = t.smoothing / t.words;
    for (int64_t v = 0; v < s.width; v += LANES) store(gradients + v, (load(probs + v) - even) * weight);
    gradients[t.labels[at]] -= (1 - t.smoothing) * weight;
}

// J of one pair and, if requested, its gradients with respect to the logits of both. With d = log p - log q, the gradient
// for p is (p (d - KL(p || q)) + p - q) / 2; the one for q is the same with p and q exchanged.
void divergence(const Task& t, Scratch& s, int64_t pair, int64_t token) {
    int64_t i = t.first[pair], j = t.second[pair];
    const float *p = &s.probs[i * s.width], *q = &s.probs[j * s.width];
    const float *x = &s.scores[i * s.width], *y = &s.scores[j * s.width];
    float shift = s.lse[i] - s.lse[j];
    Floats forward = fill(0), backward = fill(0);
    for (int64_t v = 0; v < s.width; v += LANES) {
        Floats d = load(x + v) - load(y + v) - shift;
        forward += load(p + v) * d;
        backward -= load(q + v) * d;
    }
    float kl_pq = reduce_sum(forward), kl_qp = reduce_sum(backward);
    t.divergence[pair * t.pair_row + token] = 0.5f * (kl_pq + kl_qp);
    if (!t.gradient) return;
    float *grad_p = &s.gradients[i * s.width], *grad_q = &s.gradients[j * s.width], half = 0.5f * t.weights[pair];
    for (int64_t v = 0; v < s.width; v += LANES) {
        Floats d = load(x + v) - load(y + v) - shift, p_v = load(p + v), q_v = load(q + v);
        store(grad_p + v, load(grad_p + v) + (p_v * (d - kl_pq) + p_v - q_v) * half);
        store(grad_q + v, load(grad_q + v) + (q_v - p_v - q_v * (d + kl_qp)) * half);
    }
}

template <typename T>
void score(T* logits, const Task& t, int threads) {
#pragma omp parallel num_threads(threads)
    {
        Scratch s(t);
#pragma omp for
        for (int64_t token = 0; token < t.tokens; token++) {
            for (int64_t k = 0; k < t.streams; k++) {
                softmax(logits + (k * t.tokens + token) * t.words, t, s, k, token);
                if (t.gradient) cross_entropy_gradient(t, s, k, token);
            }
            for (int64_t e = 0; e < t.pairs; e++) divergence(t, s, e, token);
            if (!t.gradient) continue;
            for (int64_t k = 0; k < t.streams; k++)
                narrow_all(&s.gradients[k * s.width], t.words, logits + (k * t.tokens + token) * t.words);
        }
    }
}

}  // namespace

// logits: [K, C, V], contiguous, float32 or, where `half`, bfloat16; replaced by the gradients where `gradient`.
extern "C" void score_rows(void* logits, int half, int64_t streams, int64_t tokens, int64_t words, const int64_t* labels,
                           const float* row_weights, float* smoothed, float* nll, int64_t row, float* divergence,
                           int64_t pair_row, int64_t pairs, const int64_t* first, const int64_t* second,
                           const float* weights, float smoothing, int gradient, int threads) {
    Task t{streams, tokens,   words, pairs,  labels,  row_weights, smoothed,      nll,
           row,     divergence, pair_row, first, second, weights,  smoothing, gradient != 0};
    if (half)
        score((uint16_t*)logits, t, threads);
    else
        score((float*)logits, t, threads);
}

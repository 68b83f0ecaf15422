// Losses and gradients of a chunk of logits, one token at a time, so that all passes but the first hit the cache. The
// formulas are those of rows.py, the implementation in plain PyTorch.
//
// Axes: K streams that predict the same tokens, C tokens of the chunk, V vocabulary, E pairs of streams.
#include <vector>

#include "vectors.h"

namespace {

struct Params {
    int64_t streams, tokens, vocab_size, pairs;
    const int64_t* labels;     // [K, C], with row stride `row_stride`
    const float* row_weights;  // likewise
    float *smoothed, *nll;     // likewise
    const float* margins;      // likewise, subtracted from the label's logit in the cross entropies; or null
    int64_t row_stride;
    float* divergence;  // [E, C], with row stride `pair_stride`
    int64_t pair_stride;
    const int64_t *first, *second;  // [E]
    const float* weights;           // [E]
    float smoothing;
    bool gradient;
};

// Buffers of one thread, for one token. logits (in float32), probs, d_logits: [K, width], where width is V rounded up
// to a multiple of LANES; lse: [K].
struct Scratch {
    int64_t width;
    std::vector<float> logits, probs, d_logits, lse;
    Scratch(const Params& t)
        : width((t.vocab_size + LANES - 1) / LANES * LANES),
          logits(t.streams * width),
          probs(t.streams * width),
          d_logits(t.streams * width),
          lse(t.streams) {}
};

// Logits of one row [V] in float32. The padding gets zeros.
template <typename T>
void widen(const T* row_logits, const Params& t, Scratch& s, int64_t stream) {
    float* logits = &s.logits[stream * s.width];
    widen_all(row_logits, t.vocab_size, logits);
    for (int64_t v = t.vocab_size; v < s.width; v++) logits[v] = 0;
}

// Softmax of one row; returns the mean of its logits. The padding gets probabilities of zero.
float softmax(const Params& t, Scratch& s, int64_t stream) {
    float *logits = &s.logits[stream * s.width], *probs = &s.probs[stream * s.width];
    float row_max = reduce_max(logits, t.vocab_size);
    Floats sum_exp = fill(0), sum_logits = fill(0);
    for (int64_t v = 0; v < s.width; v += LANES) {
        Floats z = load(logits + v), e = exp_negative(z - row_max);
        if (v + LANES > t.vocab_size)
            for (int64_t i = t.vocab_size - v; i < LANES; i++) e[i] = 0;
        store(probs + v, e);
        sum_exp += e;
        sum_logits += z;
    }
    float lse = row_max + std::log(reduce_sum(sum_exp)), inverse = 1 / reduce_sum(sum_exp);
    for (int64_t v = 0; v < s.width; v += LANES) store(probs + v, load(probs + v) * inverse);
    s.lse[stream] = lse;
    return reduce_sum(sum_logits) / t.vocab_size;
}

// Both cross entropies of one row, whose label's logit is already lowered by the margin.
void cross_entropy(const Params& t, Scratch& s, int64_t stream, int64_t token) {
    float mean = softmax(t, s, stream), lse = s.lse[stream];
    int64_t at = stream * t.row_stride + token;
    t.nll[at] = lse - s.logits[stream * s.width + t.labels[at]];
    t.smoothed[at] = (1 - t.smoothing) * t.nll[at] - t.smoothing * (mean - lse);
}

// Gradient of the weighted cross entropy: p minus the smoothed one-hot label.
void cross_entropy_gradient(const Params& t, Scratch& s, int64_t stream, int64_t token) {
    float *probs = &s.probs[stream * s.width], *d_logits = &s.d_logits[stream * s.width];
    int64_t at = stream * t.row_stride + token;
    float weight = t.row_weights[at], uniform = t.smoothing / t.vocab_size;
    for (int64_t v = 0; v < s.width; v += LANES) store(d_logits + v, (load(probs + v) - uniform) * weight);
    d_logits[t.labels[at]] -= (1 - t.smoothing) * weight;
}

// J(p, q) of one pair of streams and, if requested, its gradients. With d = log p - log q, the gradient with respect to
// the logits of p is (p (d - KL(p || q)) + p - q) / 2; that of the logits of q is the same with p and q exchanged.
void divergence(const Params& t, Scratch& s, int64_t pair, int64_t token) {
    int64_t i = t.first[pair], j = t.second[pair];
    const float *p = &s.probs[i * s.width], *q = &s.probs[j * s.width];
    const float *logits_p = &s.logits[i * s.width], *logits_q = &s.logits[j * s.width];
    float lse_difference = s.lse[i] - s.lse[j];
    Floats forward = fill(0), backward = fill(0);
    for (int64_t v = 0; v < s.width; v += LANES) {
        Floats d = load(logits_p + v) - load(logits_q + v) - lse_difference;
        forward += load(p + v) * d;
        backward -= load(q + v) * d;
    }
    float kl_pq = reduce_sum(forward), kl_qp = reduce_sum(backward);
    t.divergence[pair * t.pair_stride + token] = 0.5f * (kl_pq + kl_qp);
    if (!t.gradient) return;
    float *d_logits_p = &s.d_logits[i * s.width], *d_logits_q = &s.d_logits[j * s.width], half = 0.5f * t.weights[pair];
    for (int64_t v = 0; v < s.width; v += LANES) {
        Floats d = load(logits_p + v) - load(logits_q + v) - lse_difference, p_v = load(p + v), q_v = load(q + v);
        store(d_logits_p + v, load(d_logits_p + v) + (p_v * (d - kl_pq) + p_v - q_v) * half);
        store(d_logits_q + v, load(d_logits_q + v) + (q_v - p_v - q_v * (d + kl_qp)) * half);
    }
}

template <typename T>
void score(T* logits, const Params& t, int threads) {
#pragma omp parallel num_threads(threads)
    {
        Scratch s(t);
#pragma omp for
        for (int64_t token = 0; token < t.tokens; token++) {
            for (int64_t k = 0; k < t.streams; k++) {
                widen(logits + (k * t.tokens + token) * t.vocab_size, t, s, k);
                int64_t at = k * t.row_stride + token;
                float &gold = s.logits[k * s.width + t.labels[at]], plain = gold;
                if (t.margins) gold -= t.margins[at];
                cross_entropy(t, s, k, token);
                if (t.gradient) cross_entropy_gradient(t, s, k, token);
                // The divergences read the plain distribution.
                gold = plain;
                if (t.margins && t.pairs) softmax(t, s, k);
            }
            for (int64_t e = 0; e < t.pairs; e++) divergence(t, s, e, token);
            if (!t.gradient) continue;
            for (int64_t k = 0; k < t.streams; k++)
                narrow_all(&s.d_logits[k * s.width], t.vocab_size, logits + (k * t.tokens + token) * t.vocab_size);
        }
    }
}

}  // namespace

// logits: [K, C, V], contiguous, float32, or bfloat16 if `half`; replaced with their gradients if `gradient`. labels,
// row_weights, smoothed, nll, margins: [K, C], the last may be null; divergence: [E, C]; first, second, weights: [E].
extern "C" void score_rows(void* logits, int half, int64_t streams, int64_t tokens, int64_t vocab_size,
                           const int64_t* labels, const float* row_weights, float* smoothed, float* nll,
                           const float* margins, int64_t row_stride, float* divergence, int64_t pair_stride,
                           int64_t pairs, const int64_t* first, const int64_t* second, const float* weights,
                           float smoothing, int gradient, int threads) {
    Params t{streams, tokens, vocab_size, pairs, labels, row_weights, smoothed, nll, margins, row_stride, divergence,
             pair_stride, first, second, weights, smoothing, gradient != 0};
    if (half)
        score((uint16_t*)logits, t, threads);
    else
        score((float*)logits, t, threads);
}

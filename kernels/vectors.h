// Vectors of sixteen float32 with the compiler's vector extensions, which map to the instructions of the processor.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

typedef float Floats __attribute__((vector_size(64)));
typedef int32_t Ints __attribute__((vector_size(64)));
typedef uint32_t Words __attribute__((vector_size(64)));
constexpr int64_t LANES = 16;

static inline Floats load(const float* at) {
    Floats x;
    std::memcpy(&x, at, sizeof x);
    return x;
}

static inline void store(float* at, Floats x) { std::memcpy(at, &x, sizeof x); }

static inline Floats fill(float x) { return Floats{} + x; }

// The first `count` lanes of memory, `rest` in the others.
static inline Floats load_some(const float* at, int64_t count, float rest) {
    Floats x = fill(rest);
    std::memcpy(&x, at, count * sizeof(float));
    return x;
}

typedef float Eight __attribute__((vector_size(32)));
typedef float Four __attribute__((vector_size(16)));

// A tree reduction: the additions of a level are independent.
static inline float sum(Floats x) {
    Eight half[2];
    std::memcpy(half, &x, sizeof x);
    Eight of_eight = half[0] + half[1];
    Four quarter[2];
    std::memcpy(quarter, &of_eight, sizeof of_eight);
    Four of_four = quarter[0] + quarter[1];
    return (of_four[0] + of_four[2]) + (of_four[1] + of_four[3]);
}

template <typename V>
static inline V larger(V x, V y) { return x > y || x != x ? x : y; }

// The largest lane; NaN where any lane is NaN.
static inline float largest(Floats x) {
    Eight half[2];
    std::memcpy(half, &x, sizeof x);
    Eight of_eight = larger(half[0], half[1]);
    Four quarter[2];
    std::memcpy(quarter, &of_eight, sizeof of_eight);
    Four most = larger(quarter[0], quarter[1]);
    return larger(larger(most[0], most[1]), larger(most[2], most[3]));
}

// x in the first `count` lanes, `rest` in the others.
static inline Floats first_lanes(Floats x, int64_t count, Floats rest) {
    const Ints lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return lane < (int32_t)(count < LANES ? count : LANES) ? x : rest;
}

static inline Floats first_lanes(Floats x, int64_t count, float rest) { return first_lanes(x, count, fill(rest)); }

// exp(x) for x <= 0 within 2 ulp; below -87 the value at -87, which is close to zero. NaN stays NaN.
static inline Floats exp_negative(Floats x) {
    x = x < -87.0f ? fill(-87.0f) : x;
    Floats shifted = x * 1.44269504f + 12582912.0f;
    Floats power = shifted - 12582912.0f;
    Floats r = x - power * 0.693359375f + power * 2.12194440e-4f;
    Floats y = fill(1.9875691500e-4f);
    y = y * r + 1.3981999507e-3f;
    y = y * r + 8.3334519073e-3f;
    y = y * r + 4.1665795894e-2f;
    y = y * r + 1.6666665459e-1f;
    y = y * r + 5.0000001201e-1f;
    y = y * r * r + r + 1.0f;
    return (Floats)((Ints)y + ((Ints)shifted << 23));
}

// bfloat16 is the upper half of a float32, rounded to nearest, ties to even.
typedef uint16_t Halves __attribute__((vector_size(32)));

static inline float widen(uint16_t x) {
    uint32_t bits = (uint32_t)x << 16;
    float y;
    std::memcpy(&y, &bits, sizeof y);
    return y;
}

static inline uint16_t narrow(float x) {
    uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    if (x != x) return 0x7fc0;
    return (uint16_t)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

// Load sixteen values of either type as float32, and store them.
static inline Floats load_wide(const float* at) { return load(at); }

static inline Floats load_wide(const uint16_t* at) {
    Halves x;
    std::memcpy(&x, at, sizeof x);
    return (Floats)(__builtin_convertvector(x, Words) << 16);
}

static inline void store_narrow(float* at, Floats x) { store(at, x); }

static inline void store_narrow(uint16_t* at, Floats x) {
    Words bits = (Words)x;
    bits = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    bits = x != x ? Words{} + 0x7fc0u : bits;
    Halves y = __builtin_convertvector(bits, Halves);
    std::memcpy(at, &y, sizeof y);
}

// Convert `count` values of either type to float32, and back.
static inline void widen_all(const float* from, int64_t count, float* to) { std::memcpy(to, from, count * sizeof(float)); }

static inline void widen_all(const uint16_t* from, int64_t count, float* to) {
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) store(to + i, load_wide(from + i));
    for (; i < count; i++) to[i] = widen(from[i]);
}

static inline void narrow_all(const float* from, int64_t count, float* to) { std::memcpy(to, from, count * sizeof(float)); }

static inline void narrow_all(const float* from, int64_t count, uint16_t* to) {
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) store_narrow(to + i, load(from + i));
    for (; i < count; i++) to[i] = narrow(from[i]);
}

// The largest of `count` >= 1 values; NaN where any of them is NaN.
static inline float largest(const float* at, int64_t count) {
    Floats most = load_some(at, count < LANES ? count : LANES, at[0]);
    for (int64_t i = LANES; i < count; i += LANES) {
        Floats x = i + LANES <= count ? load(at + i) : load_some(at + i, count - i, at[0]);
        most = x > most || x != x ? x : most;
    }
    return largest(most);
}

// An integer hash: consecutive inputs give outputs that look random (Wellons, hash-prospector).
template <typename W>
static inline W mix(W x) {
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    return x ^ (x >> 16);
}

// Dropout with probability p: a value is dropped if its random word is below the threshold; others are multiplied by
// `kept_factor`.
static inline uint32_t drop_threshold(float p) { return p < 1 ? (uint32_t)((double)p * 4294967296.0) : 0xffffffffu; }

static inline float kept_factor(float p) { return p < 1 ? 1 / (1 - p) : 0; }

// Vectors of float32 values, written with the compiler's vector extensions and compiled to the SIMD instructions of the
// CPU. They are as wide as its registers: GCC keeps wider ones in memory, and compares them one lane after the other.
// Loads and stores are unaligned.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

#if defined(__AVX512F__)
constexpr int64_t LANES = 16;
#elif defined(__AVX2__)
constexpr int64_t LANES = 8;
#else
constexpr int64_t LANES = 4;
#endif

typedef float Floats __attribute__((vector_size(4 * LANES)));
typedef int32_t Ints __attribute__((vector_size(4 * LANES)));
typedef uint32_t Uints __attribute__((vector_size(4 * LANES)));
typedef float Floats4 __attribute__((vector_size(16)));

static inline Floats load(const float* ptr) {
    Floats x;
    std::memcpy(&x, ptr, sizeof x);
    return x;
}

static inline void store(float* ptr, Floats x) { std::memcpy(ptr, &x, sizeof x); }

static inline Floats fill(float x) { return Floats{} + x; }

// Load the first `count` lanes; the others are set to `other`.
static inline Floats load_partial(const float* ptr, int64_t count, float other) {
    Floats x = fill(other);
    std::memcpy(&x, ptr, count * sizeof(float));
    return x;
}

// Pairwise (tree) reduction: the additions of one level are independent of each other.
static inline float reduce_sum(Floats x) {
    Floats4 part[LANES / 4];
    std::memcpy(part, &x, sizeof x);
    for (int64_t count = LANES / 8; count > 0; count /= 2)
        for (int64_t i = 0; i < count; i++) part[i] += part[i + count];
    return (part[0][0] + part[0][2]) + (part[0][1] + part[0][3]);
}

// Elementwise maximum that propagates NaN.
template <typename V>
static inline V maximum(V x, V y) { return x > y || x != x ? x : y; }

// Maximum over the lanes; NaN if any lane is NaN.
static inline float reduce_max(Floats x) {
    Floats4 part[LANES / 4];
    std::memcpy(part, &x, sizeof x);
    for (int64_t count = LANES / 8; count > 0; count /= 2)
        for (int64_t i = 0; i < count; i++) part[i] = maximum(part[i], part[i + count]);
    return maximum(maximum(part[0][0], part[0][1]), maximum(part[0][2], part[0][3]));
}

// Keep the first `count` lanes of x; the others are set to `other`.
static inline Floats first_lanes(Floats x, int64_t count, Floats other) {
    static const int32_t numbers[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    Ints lane;
    std::memcpy(&lane, numbers, sizeof lane);
    return lane < (int32_t)(count < LANES ? count : LANES) ? x : other;
}

static inline Floats first_lanes(Floats x, int64_t count, float other) { return first_lanes(x, count, fill(other)); }

// exp(x) for x <= 0, accurate to 2 ulp: x = n ln 2 + r, with the polynomial of Cephes' expf for exp(r). Inputs are
// clamped at -87, where the result is close to zero. NaN propagates. I: the integers of the vector type V.
template <typename V, typename I>
static inline V exp_negative_of(V x) {
    const V none = {};
    x = x < -87.0f ? none - 87.0f : x;
    V biased = x * 1.44269504f + 12582912.0f;
    V n = biased - 12582912.0f;
    V r = x - n * 0.693359375f + n * 2.12194440e-4f;
    V y = none + 1.9875691500e-4f;
    y = y * r + 1.3981999507e-3f;
    y = y * r + 8.3334519073e-3f;
    y = y * r + 4.1665795894e-2f;
    y = y * r + 1.6666665459e-1f;
    y = y * r + 5.0000001201e-1f;
    y = y * r * r + r + 1.0f;
    return (V)((I)y + ((I)biased << 23));
}

static inline Floats exp_negative(Floats x) { return exp_negative_of<Floats, Ints>(x); }

// bfloat16 is the upper half of a float32. Conversion rounds to nearest, ties to even.
typedef uint16_t BFloats __attribute__((vector_size(2 * LANES)));

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

// Load LANES float32 or bfloat16 values as float32; store them in either type.
static inline Floats load_wide(const float* ptr) { return load(ptr); }

static inline Floats load_wide(const uint16_t* ptr) {
    BFloats x;
    std::memcpy(&x, ptr, sizeof x);
    return (Floats)(__builtin_convertvector(x, Uints) << 16);
}

static inline void store_narrow(float* ptr, Floats x) { store(ptr, x); }

static inline void store_narrow(uint16_t* ptr, Floats x) {
    Uints bits = (Uints)x;
    bits = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    bits = x != x ? Uints{} + 0x7fc0u : bits;
    BFloats y = __builtin_convertvector(bits, BFloats);
    std::memcpy(ptr, &y, sizeof y);
}

// Convert `count` values of either type to float32, and back.
static inline void widen_all(const float* src, int64_t count, float* dst) {
    std::memcpy(dst, src, count * sizeof(float));
}

static inline void widen_all(const uint16_t* src, int64_t count, float* dst) {
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) store(dst + i, load_wide(src + i));
    for (; i < count; i++) dst[i] = widen(src[i]);
}

static inline void narrow_all(const float* src, int64_t count, float* dst) {
    std::memcpy(dst, src, count * sizeof(float));
}

static inline void narrow_all(const float* src, int64_t count, uint16_t* dst) {
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) store_narrow(dst + i, load(src + i));
    for (; i < count; i++) dst[i] = narrow(src[i]);
}

// Maximum of `count` >= 1 values; NaN if any of them is NaN.
static inline float reduce_max(const float* ptr, int64_t count) {
    Floats best = load_partial(ptr, count < LANES ? count : LANES, ptr[0]);
    for (int64_t i = LANES; i < count; i += LANES) {
        Floats x = i + LANES <= count ? load(ptr + i) : load_partial(ptr + i, count - i, ptr[0]);
        best = maximum(x, best);
    }
    return reduce_max(best);
}

// Integer hash (Wellons, hash-prospector). It stands in for a random number generator: dropout hashes the seed and the
// position, so the backward pass recomputes the mask instead of loading it.
template <typename U>
static inline U hash(U x) {
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    return x ^ (x >> 16);
}

// Dropout with probability p: a value is zeroed if its 32-bit hash is below the threshold, and otherwise scaled by
// keep_scale(p).
static inline uint32_t drop_threshold(float p) { return p < 1 ? (uint32_t)((double)p * 4294967296.0) : 0xffffffffu; }

static inline float keep_scale(float p) { return p < 1 ? 1 / (1 - p) : 0; }

/**
 * @file qe_elements.h
 * @brief Loads and stores whose element type is a constant argument.
 *
 * A kernel is written once for all widths as a QE_TEMPLATE function that takes its widths as
 * arguments; each public function calls it with constants, and the compiler keeps what these need.
 */
#ifndef QE_ELEMENTS_H
#define QE_ELEMENTS_H

#include "qe_fixedpoint.h"

/** Marks a function that must be inlined to be small and fast. It is correct either way. */
#if defined(__GNUC__)
#define QE_TEMPLATE static inline __attribute__((always_inline))
#else
#define QE_TEMPLATE static inline
#endif

/** @brief Element @p index of an int8 (@p bytes 1), int16 (2) or int32 (4) array. */
QE_TEMPLATE int32_t qe_load(const void *array, int32_t index, int32_t bytes)
{
    if (bytes == 1) {
        return ((const int8_t *)array)[index];
    }
    if (bytes == 2) {
        return ((const int16_t *)array)[index];
    }
    return ((const int32_t *)array)[index];
}

/** @brief Set element @p index of an int8 (@p bytes 1), int16 (2) or int32 (4) array. */
QE_TEMPLATE void qe_store(void *array, int32_t index, int32_t value, int32_t bytes)
{
    if (bytes == 1) {
        ((int8_t *)array)[index] = (int8_t)value;
    } else if (bytes == 2) {
        ((int16_t *)array)[index] = (int16_t)value;
    } else {
        ((int32_t *)array)[index] = value;
    }
}

/**
 * @brief Weight @p index of an array of 8-bit or packed 4-bit weights.
 *
 * Four-bit weights lie two in a byte, the one of even index in the low half.
 */
QE_TEMPLATE int32_t qe_weight(const QE_ROM int8_t *weights, int32_t index, int32_t bits)
{
    if (bits == 8) {
        return weights[index];
    }
    const int32_t pair = weights[index >> 1];
    return ((index & 1) != 0) ? (pair >> 4) : (((pair & 15) ^ 8) - 8);
}

/**
 * @brief Sum of (x[i] - zero_point) * w[i] over @p count neighbours, exact.
 *
 * @param x_at,w_at  Index of the first element of each.
 * @param count      int8: up to 65793, so that the sum fits in 32 bits; int16: any.
 */
QE_TEMPLATE int64_t qe_dot(const void *x, int32_t x_at, const QE_ROM int8_t *w, int32_t w_at,
                           int32_t count, int32_t zero_point, int32_t x_bytes, int32_t w_bits)
{
    int64_t total = 0;
    int32_t sum = 0;
    for (int32_t i = 0; i < count; ++i) {
        const int32_t value = qe_load(x, x_at + i, x_bytes) - zero_point;
        const int32_t weight = qe_weight(w, w_at + i, w_bits);
        sum += (x_bytes == 1) ? (int)value * (int)weight : value * weight;
        if (x_bytes > 1 && (i & 255) == 255) { /* 256 products fit in 32 bits */
            total += sum;
            sum = 0;
        }
    }
    return (x_bytes > 1) ? total + sum : sum;
}

/**
 * @brief Add the products of @p count neighbours with QE_BLOCK filters.
 *
 * @param x            First of the neighbours.
 * @param w            First weight of the first filter.
 * @param filter_size  From filter to filter, in values.
 */
QE_TEMPLATE qe_block qe_dot_block(qe_block sums, const int8_t *x, const QE_ROM int8_t *w,
                                  int32_t filter_size, int32_t count, int32_t zero_point)
{
    for (const int8_t *end = x + count; x < end; ++x) {
        const int value = (int)(*x - zero_point); /* products fit an int of 16 bits, too */
        sums.sum0 += value * w[0];
        sums.sum1 += value * w[filter_size];
        sums.sum2 += value * w[2 * filter_size];
        sums.sum3 += value * w[3 * filter_size];
        ++w;
    }
    return sums;
}

#endif /* QE_ELEMENTS_H */

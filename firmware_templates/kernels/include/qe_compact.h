/**
 * @file qe_compact.h
 * @brief What the compact kernels share: filters in narrow form, and the dot products of a row.
 *        How they work: docs/kernels-compact.md.
 */
#ifndef QE_COMPACT_H
#define QE_COMPACT_H

#include "qe_fixedpoint.h"

/** Filters and what becomes of their sums. */
typedef struct {
    /** Blocks of QE_BLOCK filters: for each group of four taps those of the first, then those of
     *  the second, and so on. Missing taps and filters are 0. Depthwise: filter after filter. */
    const int8_t *weights;
    const void *bias;          /**< int16_t or, with wide_bias, int32_t [outputs] */
    const int32_t *multiplier; /**< [outputs], or [1] with channel_step 0 */
    const uint8_t *shift;      /**< To the right, in [1, 30]; likewise. */
    uint16_t outputs;
    uint16_t taps; /**< Of a filter; a multiple of four, but for depthwise. */
    uint8_t wide_bias;
    uint8_t channel_step;
    int8_t input_zero_point; /**< Subtracted from every input; the biases take in the rest. */
    int8_t zero_point;       /**< Of the output. */
    int8_t minimum;          /**< Clamp of the output. */
    int8_t maximum;
    int8_t padding_value; /**< The input's zero point: what surrounds an image. */
} qe_compact_filters;

/** A (height, width) pair. */
typedef struct {
    uint16_t h, w;
} qe_compact_size;

/** @brief Bias of a filter. */
static inline int32_t qe_compact_bias(const qe_compact_filters *filters, int32_t channel)
{
    return filters->wide_bias ? ((const int32_t *)filters->bias)[channel]
                              : ((const int16_t *)filters->bias)[channel];
}

/** @brief @p acc * @p multiplier / 2^(31 + @p shift), rounded twice; |acc| < 2^30, shift > 0. */
static inline int32_t qe_compact_scale(int32_t acc, int32_t multiplier, int32_t shift)
{
#if QE_LONG_MULTIPLY
    /* qe_high_multiply() of twice the sum, so that the upper half of the product is the result. */
    const int32_t y = (int32_t)(((int64_t)(2 * acc) * multiplier + ((int64_t)1 << 31)) >> 32);
#else
    const int32_t y = qe_high_multiply(acc, multiplier);
#endif
    const int32_t half = (int32_t)((1U << shift) >> 1);
    return (y + half + (y >> 31)) >> shift; /* ties away from zero */
}

/** @brief The output of a filter whose products and bias sum up to @p acc. */
static inline int8_t qe_compact_finish(const qe_compact_filters *filters, int32_t acc,
                                       int32_t multiplier, int32_t shift)
{
    const int32_t y = qe_compact_scale(acc, multiplier, shift) + filters->zero_point;
    return (int8_t)qe_clamp(y, filters->minimum, filters->maximum);
}

/** @brief The output of filter @p channel whose products sum up to @p sum. */
static inline int8_t qe_compact_output(const qe_compact_filters *filters, int32_t channel,
                                       int32_t sum)
{
    const int32_t entry = channel * filters->channel_step;
    return qe_compact_finish(filters, sum + qe_compact_bias(filters, channel),
                             filters->multiplier[entry], filters->shift[entry]);
}

/**
 * @brief All outputs of one row.
 *
 * @param x       [taps], and what fills them up to a multiple of four.
 * @param output  [outputs]
 */
void qe_compact_row(const qe_compact_filters *filters, const int8_t *x, int8_t *output);

/**
 * @brief All outputs of two rows, one behind the other, with input_zero_point 0.
 *
 * @param x       [2][taps]
 * @param output  [2][outputs]
 */
void qe_compact_row_pair(const qe_compact_filters *filters, const int8_t *x, int8_t *output);

#endif /* QE_COMPACT_H */

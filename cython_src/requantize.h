/* Exact requantization of one accumulator, as the host kernels compute it.
 *
 * The recipes of docs/arithmetic.md round twice. Both roundings together are one 64-bit affine
 * step: with product = x * multiplier and right = -shift,
 *     round_away((product + 2^30) >> 31, right)
 *         = (product + 2^30 + 2^(30 + right) - (x < 0 ? 2^31 : 0)) >> (31 + right),   right >= 1
 * because adding the half before or after the first floor moves it by whole units of 2^31, and the
 * tie of a negative value is resolved downwards by one such unit. */
#ifndef QH_REQUANTIZE_H
#define QH_REQUANTIZE_H

#include <math.h>
#include <stdint.h>

enum { QH_DOUBLE = 0, QH_SINGLE = 1, QH_WIDE = 2, QH_FLOAT32 = 3, QH_FLOAT64 = 4 };

/* What follows the sum of products. Arrays have one element a channel. */
typedef struct {
    const int64_t *bias;       /* -input zero point * sum of weights folded in */
    const int32_t *multiplier; /* QH_WIDE: already reduced to 16 bits */
    const int32_t *shift;
    const double *real; /* QH_FLOAT32 and QH_FLOAT64 alone, else NULL */
    int rounding;
    int32_t zero_point, low, high;
} qh_epilogue;

static inline int64_t qh_requantize_double(int64_t acc, int32_t multiplier, int32_t shift)
{
    const int32_t x = (int32_t)((uint32_t)acc << (shift > 0 ? shift : 0));
    const int right = shift < 0 ? -shift : 0;
    int64_t sum = (int64_t)x * multiplier + (INT64_C(1) << 30);
    if (right > 0) {
        sum += (INT64_C(1) << (30 + right)) - (x < 0 ? INT64_C(1) << 31 : 0);
    }
    return sum >> (31 + right);
}

/* One rounding, ties up. Unsigned products wrap where signed ones would be undefined. */
static inline int64_t qh_requantize_once(int64_t acc, int32_t multiplier, int right)
{
    const uint64_t product = (uint64_t)acc * (uint64_t)(int64_t)multiplier;
    return (int64_t)(product + (UINT64_C(1) << (right - 1))) >> right;
}

static inline int64_t qh_requantize(int64_t acc, int32_t multiplier, int32_t shift, int rounding)
{
    switch (rounding) {
    case QH_DOUBLE:
        return qh_requantize_double(acc, multiplier, shift);
    case QH_SINGLE: {
        const int64_t scaled = qh_requantize_once((int32_t)acc, multiplier, 31 - shift);
        return scaled < INT32_MIN ? INT32_MIN : scaled > INT32_MAX ? INT32_MAX : scaled;
    }
    default:
        return (int32_t)qh_requantize_once(acc, multiplier, 15 - shift);
    }
}

/* As desktop runtimes do: in float32 with ties to even, or in float64 with ties away from zero.
 * The product saturates before it is converted, so that the conversion is always defined. */
static inline int64_t qh_requantize_real(int64_t acc, double real, int rounding)
{
    const double product =
        rounding == QH_FLOAT32 ? rintf((float)acc * (float)real) : round((double)acc * real);
    return (int64_t)fmin(fmax(product, -2147483648.0), 2147483647.0);
}

static inline int32_t qh_clamp(int64_t value, int32_t low, int32_t high)
{
    return (int32_t)(value < low ? low : value > high ? high : value);
}

/* Sum of products -> output value of one channel. */
static inline int32_t qh_finish(const qh_epilogue *by, int64_t channel, int64_t sum)
{
    const int64_t acc = sum + by->bias[channel];
    const int64_t scaled =
        by->real ? qh_requantize_real(acc, by->real[channel], by->rounding)
                 : qh_requantize(acc, by->multiplier[channel], by->shift[channel], by->rounding);
    return qh_clamp(scaled + by->zero_point, by->low, by->high);
}

#endif

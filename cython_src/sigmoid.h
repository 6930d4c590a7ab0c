/* LOGISTIC and TANH of int16 by a table of 2^16 * logistic(i / 24), after docs/arithmetic.md. */
#ifndef QH_SIGMOID_H
#define QH_SIGMOID_H

#include <stdint.h>

/* How inputs become steps of the table. */
typedef struct {
    int32_t multiplier;
    int32_t shift;
    const uint16_t *table; /* [256] */
} qh_sigmoid;

static inline int64_t qh_sigmoid_steps(const qh_sigmoid *by, int32_t x)
{
    const int64_t half = (INT64_C(1) << by->shift) >> 1;
    return ((int64_t)x * by->multiplier + half) >> by->shift;
}

/* Table at `magnitude`, its lowest `bits` interpolated; `end` where the table ends. */
static inline int64_t qh_sigmoid_at(const uint16_t *table, int64_t magnitude, int bits, int64_t end)
{
    const int64_t index = magnitude >> bits;
    const int64_t fraction = magnitude & ((INT64_C(1) << bits) - 1);
    if (index >= 255) {
        return end << bits;
    }
    return ((int64_t)table[index] << bits) + fraction * ((int64_t)table[index + 1] - table[index]);
}

/* 1 / (1 + exp(-x)) in Q0.15. */
static inline int32_t qh_logistic_int16(const qh_sigmoid *by, int32_t x)
{
    const int64_t steps = qh_sigmoid_steps(by, x);
    if (steps >= 0) {
        return (int32_t)((qh_sigmoid_at(by->table, steps, 9, 0x7FFF << 1) + 512) >> 10);
    }
    const int64_t mirrored = (1 << 25) - qh_sigmoid_at(by->table, -steps, 9, 0x7FFF << 1);
    return (int32_t)((mirrored + 511) >> 10);
}

/* tanh(x) in Q0.15, as 2 * logistic(2 * x) - 1. */
static inline int32_t qh_tanh_int16(const qh_sigmoid *by, int32_t x)
{
    const int64_t steps = qh_sigmoid_steps(by, x);
    if (steps >= 0) {
        return (int32_t)((qh_sigmoid_at(by->table, steps, 8, 0xFFFF) - (1 << 23) + 128) >> 8);
    }
    return (int32_t)(((1 << 23) - qh_sigmoid_at(by->table, -steps, 8, 0xFFFF) + 127) >> 8);
}

#endif

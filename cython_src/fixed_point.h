/* Fixed-point exponential and reciprocal on int32, after docs/arithmetic.md section 4. Qi.f: i + f =
 * 31. */
#ifndef QH_FIXED_POINT_H
#define QH_FIXED_POINT_H

#include <stdint.h>

static inline int32_t qh_saturate(int64_t x)
{
    return (int32_t)(x > INT32_MAX ? INT32_MAX : x < INT32_MIN ? INT32_MIN : x);
}

/* a * b of two Q0.31 numbers, ties up. */
static inline int32_t qh_high_multiply(int32_t a, int32_t b)
{
    return qh_saturate(((int64_t)a * b + (INT64_C(1) << 30)) >> 31);
}

/* x / 2**exponent, exponent in [0, 31], ties away from zero. */
static inline int32_t qh_shift_right_away(int32_t x, int exponent)
{
    if (exponent == 0) {
        return x;
    }
    return (int32_t)((x + (INT64_C(1) << (exponent - 1)) - (x < 0)) >> exponent);
}

static inline int qh_leading_zeros(unsigned int x)
{
    return x ? __builtin_clz(x) : 32;
}

/* exp(a) in Q0.31, -1/4 <= a < 0 in Q0.31. */
static inline int32_t qh_exp_on_quarter(int32_t a)
{
    const int32_t at_eighth = 1895147668; /* exp(-1/8) */
    const int32_t x = a + (1 << 28);
    const int32_t x2 = qh_high_multiply(x, x);
    const int32_t x3 = qh_high_multiply(x2, x);
    const int32_t x4 = qh_high_multiply(x2, x2);
    const int32_t sixth = qh_high_multiply(qh_shift_right_away(x4, 2) + x3, 715827883);
    const int32_t tail = qh_shift_right_away(sixth + x2, 1);
    return at_eighth + qh_high_multiply(at_eighth, x + tail);
}

/* exp(a) in Q0.31, a <= 0 in Q(integer_bits). */
static inline int32_t qh_exp_of_negative(int32_t a, int integer_bits)
{
    static const int32_t factors[7] = {1672461947, 1302514674, 790015084, 290630308,
                                       39332535,   720401,     242}; /* exp(-2**(k-2)) */
    const int fraction_bits = 31 - integer_bits;
    const int32_t quarter = 1 << (fraction_bits - 2);
    if (a == 0) {
        return INT32_MAX;
    }
    const int32_t in_quarter = (a & (quarter - 1)) - quarter;
    const int32_t rest = (int32_t)((int64_t)in_quarter - a);
    int32_t result = qh_exp_on_quarter(qh_saturate((int64_t)in_quarter * (1 << integer_bits)));
    for (int k = -2; k < 5 && k < integer_bits; k++) {
        if ((rest >> (fraction_bits + k)) & 1) {
            result = qh_high_multiply(result, factors[k + 2]);
        }
    }
    return result;
}

/* 1 / (1 + a) in Q0.31, a in [0, 1) in Q0.31: Newton's iteration from 48/17 - 32/17 d. */
static inline int32_t qh_one_over_one_plus(int32_t a)
{
    const int32_t half = (int32_t)(((int64_t)a + INT32_MAX + 1) >> 1);
    int32_t x = 1515870810 + qh_high_multiply(half, -1010580540);
    for (int step = 0; step < 3; step++) {
        const int32_t error = (1 << 29) - qh_high_multiply(half, x);
        x += qh_saturate((int64_t)qh_high_multiply(x, error) * 4);
    }
    return qh_saturate((int64_t)x * 2);
}

#endif

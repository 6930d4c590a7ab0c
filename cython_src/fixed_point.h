/* Fixed-point exponential and reciprocal on int32, after docs/arithmetic.md section 4. Qi.f: i + f
 * = 31. */
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

/* 1 / sqrt(value) for 0 <= value < 2**31, as a Q0.31 multiplier and a power of two. */
static inline int32_t qh_inverse_square_root(int32_t value, int *exponent)
{
    int right = 11;
    if (value <= 1) {
        *exponent = 0;
        return INT32_MAX;
    }
    while (value >= 1 << 29) {
        value /= 4;
        right++;
    }
    const int pairs = (qh_leading_zeros((unsigned int)value) - 1) / 2 - 1;
    right -= pairs;
    const int32_t a = (value << (2 * pairs)) >> 1; /* Q3.28, below 1 */
    const int32_t half = qh_shift_right_away(a, 1);
    int32_t x = 1 << 28;
    for (int step = 0; step < 5; step++) {
        const int32_t square = qh_high_multiply(x, x);
        const int32_t cube = qh_saturate((int64_t)qh_high_multiply(square, x) * 64);
        const int64_t next = (int64_t)qh_high_multiply(3 << 27, x) - qh_high_multiply(half, cube);
        x = qh_saturate(next * 8);
    }
    const int32_t multiplier = qh_high_multiply(x, 1518500250); /* sqrt(1/2) */
    *exponent = right < 0 ? 0 : -right;
    return right < 0 ? multiplier << -right : multiplier;
}

static inline int32_t qh_saturating_shift_left(int32_t x, int exponent)
{
    return qh_saturate((int64_t)x * (INT64_C(1) << exponent));
}

/* log(total) in Q5.26, total > 0 in Q12.19. */
static inline int32_t qh_log_of_sum(int32_t total)
{
    const int32_t sqrt_half = 1518500250, fourth_root = 1805811301, quarter = 1 << 23;
    /* Two ways to bring the number next to 1; the one with the larger power of two is better. */
    const int zeros = qh_leading_zeros((unsigned int)total);
    const int32_t upper = qh_saturating_shift_left(
        qh_high_multiply(qh_saturating_shift_left(total, zeros - 1), sqrt_half), 1);
    const int32_t upper_power = qh_saturate((int64_t)(12 - zeros) * (1 << 25) + quarter);
    const int room = qh_leading_zeros((unsigned int)qh_high_multiply(total, sqrt_half)) - 1;
    const int32_t lower = qh_saturating_shift_left(total, room);
    const int32_t lower_power = qh_saturate((int64_t)(12 - room) * (1 << 25) - quarter);

    const int32_t r = upper < lower ? upper : lower;
    const int32_t power = upper_power > lower_power ? upper_power : lower_power;
    const int32_t p = (int32_t)(((int64_t)r + fourth_root + 1) >> 1);
    const int32_t q = 2 * (r - fourth_root);
    const int32_t q2 = qh_high_multiply(q, q);
    const int32_t numerator =
        qh_high_multiply(q, r) + qh_high_multiply(qh_high_multiply(q, q2), 117049297);
    const int32_t inner = 1057819769 + q + qh_high_multiply(q2, 127690142);
    const int32_t denominator = qh_high_multiply(p, inner) + qh_high_multiply(q, 638450708);
    const int32_t quotient =
        qh_high_multiply(qh_shift_right_away(numerator, 6), qh_one_over_one_plus(denominator));
    return qh_saturating_shift_left(qh_high_multiply(power, 1488522236) + quotient, 1);
}

#endif

/* Normalization of rows. Interface: qe_l2_normalization.h. */
#include "qe_l2_normalization.h"

#include "qe_fixedpoint.h"

#define SQRT_HALF INT32_C(1518500250) /* Q0.31 */
#define LOG2_OUTPUT_SCALE 7           /* the output counts in steps of 2^-7 */

typedef struct {
    int32_t multiplier, shift;
} factor;

/* 1 / sqrt(a) by Newton's iteration in Q3.28, from 1; a in [1/4, 1). */
static int32_t newton(int32_t a)
{
    const int32_t half = qe_rounding_shift_right(a, 1);
    int32_t x = INT32_C(1) << 28;
    for (int32_t i = 0; i < 5; ++i) {
        const int32_t cube = qe_high_multiply(qe_high_multiply(x, x), x) * 64;
        const int32_t step = qe_high_multiply(INT32_C(3) << 27, x) - qe_high_multiply(half, cube);
        x = step * 8;
    }
    return x;
}

/* 1 / sqrt(value), and almost 1 for 0. */
static factor inverse_square_root(int32_t value)
{
    factor by = {INT32_MAX, 0};
    if (value <= 1) {
        return by;
    }
    int32_t right = 11;
    while (value >= (INT32_C(1) << 29)) {
        value /= 4;
        ++right;
    }
    while (value < (INT32_C(1) << 27)) {
        value *= 4;
        --right;
    }
    by.multiplier = qe_high_multiply(newton(value / 2), SQRT_HALF);
    if (right < 0) {
        by.multiplier = by.multiplier * ((int32_t)1 << -right);
    } else {
        by.shift = -right;
    }
    return by;
}

void qe_l2_normalization_s8(const qe_l2_normalization_params *params, const int8_t *input,
                            int8_t *output)
{
    const qe_l2_normalization_params *p = params;
    for (int32_t row = 0; row < p->rows; ++row) {
        int32_t sum = 0;
        for (int32_t i = 0; i < p->size; ++i) {
            const int32_t x = input[i] - p->input_zero_point;
            sum += x * x;
        }
        const factor by = inverse_square_root(sum);
        for (int32_t i = 0; i < p->size; ++i) {
            const int32_t scaled = qe_requantize_double(
                input[i] - p->input_zero_point, by.multiplier, by.shift + LOG2_OUTPUT_SCALE);
            output[i] = (int8_t)qe_clamp(scaled, INT8_MIN, INT8_MAX);
        }
        input += p->size;
        output += p->size;
    }
}

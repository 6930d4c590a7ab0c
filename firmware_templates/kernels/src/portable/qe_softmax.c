/* Softmax. Interface: qe_softmax.h. */
#include "qe_softmax.h"

#include "qe_elements.h"
#include "qe_exp.h"
#include "qe_fixedpoint.h"

#define SUM_INTEGER_BITS 12 /* of a row's sum of exponentials: Q12.19 */

/* exp(difference to the row's largest), Q0.31. */
static int32_t exponential(const qe_softmax_params *p, int32_t difference)
{
    const int32_t raised = difference * (int32_t)((uint32_t)1 << p->shift);
    return qe_exp_q5(qe_high_multiply(raised, p->multiplier));
}

static int32_t row_maximum(const int8_t *x, int32_t count)
{
    int32_t largest = x[0];
    for (int32_t i = 1; i < count; ++i) {
        largest = (x[i] > largest) ? x[i] : largest;
    }
    return largest;
}

/* Sum of a row's exponentials, Q12.19; at least 2^19, since the largest contributes 1. */
static int32_t row_sum(const qe_softmax_params *p, const int8_t *x, int32_t largest)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < p->classes; ++i) {
        if (x[i] - largest >= p->diff_min) {
            sum += qe_rounding_shift_right(exponential(p, x[i] - largest), SUM_INTEGER_BITS);
        }
    }
    return sum;
}

QE_TEMPLATE void softmax_row(const qe_softmax_params *p, const int8_t *x, void *output, int32_t at,
                             int32_t bytes)
{
    const int32_t lowest = (bytes == 1) ? INT8_MIN : INT16_MIN;
    const int32_t largest = row_maximum(x, p->classes);
    uint32_t sum = (uint32_t)row_sum(p, x, largest);
    int32_t exponent = SUM_INTEGER_BITS + 31 - 8 * bytes;
    while ((sum & UINT32_C(0x80000000)) == 0u) { /* sum = mantissa * 2^exponent */
        sum <<= 1;
        --exponent;
    }
    const int32_t reciprocal = qe_one_over_one_plus((int32_t)(sum & UINT32_C(0x7FFFFFFF)));
    for (int32_t i = 0; i < p->classes; ++i) {
        int32_t y = lowest;
        if (x[i] - largest >= p->diff_min) {
            const int32_t scaled = qe_high_multiply(reciprocal, exponential(p, x[i] - largest));
            y = qe_rounding_shift_right(scaled, (exponent < 31) ? exponent : 31) + lowest;
        }
        qe_store(output, at + i, qe_clamp(y, lowest, -lowest - 1), bytes);
    }
}

void qe_softmax_s8(const qe_softmax_params *params, const int8_t *input, int8_t *output)
{
    for (int32_t row = 0; row < params->rows; ++row) {
        softmax_row(params, input + row * params->classes, output, row * params->classes, 1);
    }
}

void qe_softmax_s8_s16(const qe_softmax_params *params, const int8_t *input, int16_t *output)
{
    for (int32_t row = 0; row < params->rows; ++row) {
        softmax_row(params, input + row * params->classes, output, row * params->classes, 2);
    }
}

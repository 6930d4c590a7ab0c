/* Softmax. Interface: qe_softmax.h. */
#include "qe_softmax.h"

#include "qe_elements.h"
#include "qe_fixedpoint.h"

#define SUM_INTEGER_BITS 12 /* of qe_row_sum() */

QE_TEMPLATE void softmax_row(const qe_exponents *by, const int8_t *x, void *output, int32_t at,
                             int32_t bytes)
{
    const int32_t lowest = (bytes == 1) ? INT8_MIN : INT16_MIN;
    const int32_t largest = qe_row_maximum(x, by->count);
    uint32_t sum = (uint32_t)qe_row_sum(by, x, largest);
    int32_t exponent = SUM_INTEGER_BITS + 31 - 8 * bytes;
    while ((sum & UINT32_C(0x80000000)) == 0u) { /* the sum is mantissa * 2^exponent */
        sum <<= 1;
        --exponent;
    }
    const int32_t reciprocal = qe_one_over_one_plus((int32_t)(sum & UINT32_C(0x7FFFFFFF)));
    for (int32_t i = 0; i < by->count; ++i) {
        const int32_t difference = x[i] - largest;
        int32_t y = lowest;
        if (difference >= by->diff_min) {
            const int32_t p = qe_exp_q5(qe_exponent(by, difference));
            const int32_t scaled = qe_high_multiply(reciprocal, p);
            y = qe_rounding_shift_right(scaled, (exponent < 31) ? exponent : 31) + lowest;
        }
        qe_store(output, at + i, qe_clamp(y, lowest, -lowest - 1), bytes);
    }
}

void qe_softmax_s8(const qe_softmax_params *params, const int8_t *input, int8_t *output)
{
    const int32_t count = params->row.count;
    for (int32_t row = 0; row < params->rows; ++row) {
        softmax_row(&params->row, input + row * count, output, row * count, 1);
    }
}

void qe_softmax_s8_s16(const qe_softmax_params *params, const int8_t *input, int16_t *output)
{
    const int32_t count = params->row.count;
    for (int32_t row = 0; row < params->rows; ++row) {
        softmax_row(&params->row, input + row * count, output, row * count, 2);
    }
}

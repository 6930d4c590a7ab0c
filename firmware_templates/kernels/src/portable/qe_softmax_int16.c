/* Softmax of int16. Interface: qe_softmax_int16.h. */
#include "qe_softmax_int16.h"

/* Between the entries of a table over the range of int16. */
static int32_t interpolated(const int16_t *table, int32_t x)
{
    const int32_t index = 256 + (x >> 7);
    const int32_t base = table[index];
    const int32_t slope = table[index + 1] - base;
    return base + ((slope * (x & 127) + 64) >> 7);
}

static int32_t row_maximum(const int16_t *x, int32_t count)
{
    int32_t largest = x[0];
    for (int32_t i = 1; i < count; ++i) {
        largest = (x[i] > largest) ? x[i] : largest;
    }
    return largest;
}

/* exp(difference to the row's largest) into `y`. Returns the sum, > 0. */
static int32_t exponentials(const qe_softmax_int16_params *p, const int16_t *x, int16_t *y)
{
    const int32_t largest = row_maximum(x, p->classes);
    int32_t sum = 0;
    for (int32_t i = 0; i < p->classes; ++i) {
        const int32_t scaled = qe_rescale(x[i] - largest, &p->scale);
        const int32_t at = qe_clamp_sum(scaled, INT16_MAX, INT16_MIN, INT16_MAX);
        const int32_t value = interpolated(p->exp_table, at);
        y[i] = (int16_t)value;
        sum += value;
    }
    return sum;
}

static void softmax_row(const qe_softmax_int16_params *p, const int16_t *x, int16_t *y)
{
    uint32_t sum = (uint32_t)exponentials(p, x, y);
    int32_t right = 30;
    while ((sum & UINT32_C(0x40000000)) == 0u) { /* 1 + fraction, times 2^30 */
        sum <<= 1;
        --right;
    }
    /* The fraction in [0, 1], moved to the range of int16. */
    const int32_t fraction = (int32_t)((sum + (1u << 13)) >> 14) - 0x10000 - 0x8000;
    const int32_t at = qe_clamp(fraction, INT16_MIN, INT16_MAX);
    const int32_t reciprocal = interpolated(p->reciprocal_table, at);
    const int32_t half = (int32_t)(((uint32_t)1 << right) >> 1);
    for (int32_t i = 0; i < p->classes; ++i) {
        y[i] = (int16_t)qe_clamp((y[i] * reciprocal + half) >> right, 0, INT16_MAX);
    }
}

void qe_softmax_int16(const qe_softmax_int16_params *params, const int16_t *input, int16_t *output)
{
    for (int32_t row = 0; row < params->rows; ++row) {
        softmax_row(params, input + row * params->classes, output + row * params->classes);
    }
}

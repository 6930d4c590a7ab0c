/* Sigmoid functions. Interface: qe_sigmoid.h. */
#include "qe_sigmoid.h"

static int32_t scaled(const qe_sigmoid_scale *scale, int32_t x)
{
    const int32_t half = (int32_t)(((uint32_t)1 << scale->shift) >> 1);
    return (x * scale->multiplier + half) >> scale->shift;
}

/* The logistic function of `magnitude` >= 0 times 2^(16 + fraction_bits); `end` beyond the table.
 */
static int32_t interpolated(const uint16_t *table, int32_t magnitude, int32_t fraction_bits,
                            int32_t end)
{
    const int32_t index = magnitude >> fraction_bits;
    const int32_t fraction = magnitude & (((int32_t)1 << fraction_bits) - 1);
    if (index >= 255) {
        return end * ((int32_t)1 << fraction_bits);
    }
    const int32_t low = table[index];
    const int32_t high = table[index + 1];
    return low * ((int32_t)1 << fraction_bits) + fraction * (high - low);
}

int32_t qe_logistic(const qe_sigmoid_scale *scale, int32_t x)
{
    const int32_t v = scaled(scale, x);
    const int32_t result = interpolated(scale->table, (v < 0) ? -v : v, 9, 0xFFFE);
    const int32_t half = INT32_C(1) << 9; /* of an output step */
    return ((v >= 0) ? result + half : (INT32_C(1) << 25) - result + half - 1) >> 10;
}

int32_t qe_tanh(const qe_sigmoid_scale *scale, int32_t x)
{
    const int32_t v = scaled(scale, x); /* of twice the value, in a table of half as many bits */
    const int32_t result = interpolated(scale->table, (v < 0) ? -v : v, 8, 0xFFFF);
    const int32_t middle = INT32_C(1) << 23;
    const int32_t half = INT32_C(1) << 7;
    return ((v >= 0) ? result - middle + half : middle - result + half - 1) >> 8;
}

void qe_sigmoid_s16(const qe_sigmoid_params *params, const int16_t *input, int16_t *output)
{
    const qe_sigmoid_scale *scale = &params->scale;
    for (int32_t i = 0; i < params->count; ++i) {
        const int32_t x = input[i];
        output[i] = (int16_t)((params->tanh != 0) ? qe_tanh(scale, x) : qe_logistic(scale, x));
    }
}

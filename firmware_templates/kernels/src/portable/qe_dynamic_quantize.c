/* Quantization on a scale of its own. Interface: qe_dynamic_quantize.h. */
#include "qe_dynamic_quantize.h"

/* Farther from 0 every value saturates. */
#define LIMIT 512.0f

/* Nearest integer, ties to even, within [-LIMIT, LIMIT]; NaN becomes -LIMIT. */
static int32_t round_half_even(float x)
{
    if (!(x > -LIMIT)) {
        return -(int32_t)LIMIT;
    }
    if (x > LIMIT) {
        return (int32_t)LIMIT;
    }
    const int32_t whole = (int32_t)(x + LIMIT) - (int32_t)LIMIT; /* downwards */
    const float fraction = x - (float)whole;                     /* exact */
    const int32_t up = (fraction > 0.5f || (fraction == 0.5f && whole % 2 != 0)) ? 1 : 0;
    return whole + up;
}

static int32_t clamp_to_byte(int32_t x)
{
    return (x < 0) ? 0 : ((x > UINT8_MAX) ? UINT8_MAX : x);
}

void qe_dynamic_quantize(const qe_dynamic_quantize_params *params, const float *input,
                         int8_t *output, float *scale, int8_t *zero_point)
{
    float low = 0.0f;
    float high = 0.0f;
    for (int32_t i = 0; i < params->count; ++i) {
        low = (input[i] < low) ? input[i] : low;
        high = (input[i] > high) ? input[i] : high;
    }
    const float step = (high > low) ? (high - low) / 255.0f : 1.0f;
    const int32_t point = clamp_to_byte(round_half_even(0.0f - low / step));
    for (int32_t i = 0; i < params->count; ++i) {
        const int32_t y = clamp_to_byte(round_half_even(input[i] / step) + point);
        output[i] = (int8_t)(y + INT8_MIN);
    }
    *scale = step;
    *zero_point = (int8_t)(point + INT8_MIN);
}

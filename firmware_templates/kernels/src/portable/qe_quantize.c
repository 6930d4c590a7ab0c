/* Quantization. Interface: qe_quantize.h. */
#include "qe_quantize.h"

void qe_quantize(const qe_quantize_params *params, const void *input, void *output)
{
    const qe_quantize_params *p = params;
    for (int32_t i = 0; i < p->count; ++i) {
        const int64_t x = (int64_t)qe_number_load(input, i, p->input_type) - p->input_zero_point;
        const int64_t y = (int64_t)qe_rescale(x, &p->scale) + p->output_zero_point;
        qe_number_store(output, i, y, p->output_type);
    }
}

/* Nearest integer, ties away from zero, saturated to 32 bits. */
static int32_t round_half_away(float x)
{
    if (x >= 2147483648.0f) {
        return INT32_MAX;
    }
    if (!(x >= -2147483648.0f)) { /* NaN, too */
        return INT32_MIN;
    }
    const int32_t whole = (int32_t)x;
    const float fraction = x - (float)whole; /* exact */
    return whole + ((fraction >= 0.5f) ? 1 : 0) - ((fraction <= -0.5f) ? 1 : 0);
}

void qe_quantize_f32(const qe_quantize_f32_params *params, const float *input, void *output)
{
    for (int32_t i = 0; i < params->count; ++i) {
        const int32_t steps = round_half_away(input[i] / params->scale);
        qe_number_store(output, i, (int64_t)steps + params->output_zero_point, params->output_type);
    }
}

/* Dequantization. Interface: qe_dequantize.h. */
#include "qe_dequantize.h"

void qe_dequantize(const qe_dequantize_params *params, const void *input, float *output)
{
    const qe_dequantize_params *p = params;
    for (int32_t i = 0; i < p->count; ++i) {
        const int64_t x = (int64_t)qe_number_load(input, i, p->input_type) - p->zero_point;
        output[i] = (float)x * p->scale;
    }
}

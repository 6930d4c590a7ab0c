/* Multiplication of two arrays. Interface: qe_mul.h. */
#include "qe_mul.h"

static int32_t multiply(const void *params, int32_t x1, int32_t x2)
{
    const qe_mul_params *p = (const qe_mul_params *)params;
    const int32_t product = (x1 - p->zero_point1) * (x2 - p->zero_point2);
    return qe_clamp_sum(qe_rescale(product, &p->scale), p->output_zero_point, p->activation_min,
                        p->activation_max);
}

void qe_mul_s8(const qe_mul_params *params, const int8_t *input1, const int8_t *input2,
               int8_t *output)
{
    qe_apply(multiply, params, &params->inputs, input1, input2, output, 1, 1);
}

void qe_mul_s16(const qe_mul_params *params, const int16_t *input1, const int16_t *input2,
                int16_t *output)
{
    qe_apply(multiply, params, &params->inputs, input1, input2, output, 2, 2);
}

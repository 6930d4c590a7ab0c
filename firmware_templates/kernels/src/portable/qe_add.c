/* Addition and subtraction of two arrays. Interface: qe_add.h. */
#include "qe_add.h"

static int32_t add(const void *params, int32_t x1, int32_t x2)
{
    const qe_add_params *p = (const qe_add_params *)params;
    const int32_t raised1 = (x1 - p->zero_point1) * ((int32_t)1 << p->left_shift);
    const int32_t raised2 = (x2 - p->zero_point2) * ((int32_t)1 << p->left_shift);
    const int64_t scaled1 = qe_rescale(raised1, &p->scale1);
    const int64_t scaled2 = qe_rescale(raised2, &p->scale2);
    const int64_t sum = (p->subtract != 0) ? scaled1 - scaled2 : scaled1 + scaled2;
    return qe_clamp_sum(qe_rescale(sum, &p->output_scale), p->output_zero_point, p->activation_min,
                        p->activation_max);
}

void qe_add_s8(const qe_add_params *params, const int8_t *input1, const int8_t *input2,
               int8_t *output)
{
    qe_apply(add, params, &params->inputs, input1, input2, output, 1, 1);
}

void qe_add_s16(const qe_add_params *params, const int16_t *input1, const int16_t *input2,
                int16_t *output)
{
    qe_apply(add, params, &params->inputs, input1, input2, output, 2, 2);
}

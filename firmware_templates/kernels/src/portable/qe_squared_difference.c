/* Squared difference of two arrays. Interface: qe_squared_difference.h. */
#include "qe_squared_difference.h"

static int32_t squared_difference(const void *params, int32_t x1, int32_t x2)
{
    const qe_squared_difference_params *p = (const qe_squared_difference_params *)params;
    const int32_t raised1 = (x1 - p->zero_point1) * ((int32_t)1 << p->left_shift);
    const int32_t raised2 = (x2 - p->zero_point2) * ((int32_t)1 << p->left_shift);
    const int32_t difference = qe_rescale(raised1, &p->scale1) - qe_rescale(raised2, &p->scale2);
    return qe_clamp_sum(qe_rescale(difference * difference, &p->output_scale), p->output_zero_point,
                        p->lowest, p->highest);
}

void qe_squared_difference_s8(const qe_squared_difference_params *params, const int8_t *input1,
                              const int8_t *input2, int8_t *output)
{
    qe_apply(squared_difference, params, &params->inputs, input1, input2, output, 1, 1);
}

void qe_squared_difference_s16(const qe_squared_difference_params *params, const int16_t *input1,
                               const int16_t *input2, int16_t *output)
{
    qe_apply(squared_difference, params, &params->inputs, input1, input2, output, 2, 2);
}

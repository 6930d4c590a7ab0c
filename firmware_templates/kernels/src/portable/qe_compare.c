/* Comparison of two arrays. Interface: qe_compare.h. */
#include "qe_compare.h"

static int32_t result(const qe_compare_params *p, int64_t x1, int64_t x2)
{
    if (x1 == x2) {
        return p->when_equal;
    }
    return (x1 < x2) ? p->when_less : p->when_greater;
}

static int32_t compare_scaled(const void *params, int32_t x1, int32_t x2)
{
    const qe_compare_params *p = (const qe_compare_params *)params;
    const int32_t raised1 = (x1 - p->zero_point1) * ((int32_t)1 << p->left_shift);
    const int32_t raised2 = (x2 - p->zero_point2) * ((int32_t)1 << p->left_shift);
    return result(p, qe_rescale(raised1, &p->scale1), qe_rescale(raised2, &p->scale2));
}

static int32_t compare_plain(const void *params, int32_t x1, int32_t x2)
{
    const qe_compare_params *p = (const qe_compare_params *)params;
    return result(p, (int64_t)x1 - p->zero_point1, (int64_t)x2 - p->zero_point2);
}

void qe_compare_s8(const qe_compare_params *params, const int8_t *input1, const int8_t *input2,
                   uint8_t *output)
{
    qe_apply(compare_scaled, params, &params->inputs, input1, input2, output, 1, 1);
}

void qe_compare_s32(const qe_compare_params *params, const int32_t *input1, const int32_t *input2,
                    uint8_t *output)
{
    qe_apply(compare_plain, params, &params->inputs, input1, input2, output, 4, 1);
}

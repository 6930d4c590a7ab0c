/* ADD, element by element. docs/kernels-compact.md */
#include "qe_add_compact.h"

static int32_t scaled(const qe_add_compact_input *by, int32_t x)
{
    const int32_t raised = (x - by->zero_point) * (int32_t)(1U << by->left_shift);
    return qe_compact_scale(raised, by->multiplier, by->shift);
}

void qe_add_compact(const qe_add_compact_params *params, const int8_t *input1, const int8_t *input2,
                    int8_t *output)
{
    for (const int8_t *end = input1 + params->count; input1 != end; ++input1, ++input2) {
        const int32_t sum = scaled(&params->input1, *input1) + scaled(&params->input2, *input2);
        const int32_t y = qe_compact_scale(sum, params->multiplier, params->shift);
        *output++ = (int8_t)qe_clamp(y + params->zero_point, params->minimum, params->maximum);
    }
}

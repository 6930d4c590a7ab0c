/* Parametric rectifier. Interface: qe_prelu.h. */
#include "qe_prelu.h"

#include "qe_elements.h"

QE_TEMPLATE void prelu(const qe_prelu_params *p, const void *input, void *output, int32_t bytes)
{
    const int32_t highest = (bytes == 1) ? INT8_MAX : INT16_MAX;
    int32_t index[QE_WALK_MAX_RANK] = {0};
    int32_t alpha_at = 0;
    int32_t at = 0;
    int32_t axis;
    do {
        for (int32_t i = 0; i < p->slopes.run; ++i) {
            const int32_t x = qe_load(input, at, bytes) - p->input_zero_point;
            const int32_t slope = p->alpha[alpha_at + i * p->slopes.run_stride];
            const int32_t scaled =
                (x >= 0) ? qe_rescale(x, &p->positive) : qe_rescale(x * slope, &p->negative);
            const int32_t y = qe_clamp_sum(scaled, p->output_zero_point, -highest - 1, highest);
            qe_store(output, at, y, bytes);
            ++at;
        }
        axis = qe_walk_next(&p->slopes, index);
        alpha_at += (axis >= 0) ? p->slopes.steps[axis] : 0;
    } while (axis >= 0);
}

void qe_prelu_s8(const qe_prelu_params *params, const int8_t *input, int8_t *output)
{
    prelu(params, input, output, 1);
}

void qe_prelu_s16(const qe_prelu_params *params, const int16_t *input, int16_t *output)
{
    prelu(params, input, output, 2);
}

/* Average over axes. Interface: qe_mean.h. */
#include "qe_mean.h"

#include "qe_elements.h"

/* Sum of the values of one output, the first of them at `x_at`. */
QE_TEMPLATE int64_t sum_reduced(const qe_mean_params *p, const void *input, int32_t x_at,
                                int32_t bytes)
{
    const qe_walk *walk = &p->reduced;
    int32_t index[QE_WALK_MAX_RANK] = {0};
    int32_t axis;
    int64_t sum = 0;
    do {
        int32_t x = x_at;
        for (int32_t i = 0; i < walk->run; ++i) {
            sum += qe_load(input, x, bytes) - p->input_zero_point;
            x += walk->run_stride;
        }
        axis = qe_walk_next(walk, index);
        x_at += (axis >= 0) ? walk->steps[axis] : 0;
    } while (axis >= 0);
    return sum;
}

QE_TEMPLATE void mean(const qe_mean_params *p, const void *input, void *output, int32_t bytes)
{
    const int32_t highest = (bytes == 1) ? INT8_MAX : INT16_MAX;
    int32_t index[QE_WALK_MAX_RANK] = {0};
    int32_t first = 0;
    int32_t y_at = 0;
    int32_t axis;
    do {
        for (int32_t i = 0; i < p->kept.run; ++i) {
            const int64_t sum = sum_reduced(p, input, first + i * p->kept.run_stride, bytes);
            const int32_t y = qe_clamp_sum(qe_rescale(sum, &p->scale), p->output_zero_point,
                                           -highest - 1, highest);
            qe_store(output, y_at++, y, bytes);
        }
        axis = qe_walk_next(&p->kept, index);
        first += (axis >= 0) ? p->kept.steps[axis] : 0;
    } while (axis >= 0);
}

void qe_mean_s8(const qe_mean_params *params, const int8_t *input, int8_t *output)
{
    mean(params, input, output, 1);
}

void qe_mean_s16(const qe_mean_params *params, const int16_t *input, int16_t *output)
{
    mean(params, input, output, 2);
}

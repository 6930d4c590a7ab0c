/* Addition of two arrays. Interface: qe_add.h. */
#include "qe_add.h"

#include "qe_elements.h"

static int32_t add(const qe_add_params *p, int32_t x1, int32_t x2)
{
    const int32_t raised1 = (x1 - p->zero_point1) * ((int32_t)1 << p->left_shift);
    const int32_t raised2 = (x2 - p->zero_point2) * ((int32_t)1 << p->left_shift);
    const int64_t sum = (int64_t)qe_rescale(raised1, &p->scale1) + qe_rescale(raised2, &p->scale2);
    return qe_clamp_sum(qe_rescale(sum, &p->output_scale), p->output_zero_point, p->activation_min,
                        p->activation_max);
}

QE_TEMPLATE void add_arrays(const qe_add_params *p, const void *input1, const void *input2,
                            void *output, int32_t bytes)
{
    int32_t index[QE_WALK_MAX_RANK] = {0};
    int32_t at1 = 0;
    int32_t at2 = 0;
    int32_t y_at = 0;
    int32_t axis;
    do {
        int32_t x1 = at1;
        int32_t x2 = at2;
        for (int32_t i = 0; i < p->walk1.run; ++i) {
            const int32_t y = add(p, qe_load(input1, x1, bytes), qe_load(input2, x2, bytes));
            qe_store(output, y_at++, y, bytes);
            x1 += p->walk1.run_stride;
            x2 += p->walk2.run_stride;
        }
        axis = qe_walk_next(&p->walk1, index);
        if (axis >= 0) {
            at1 += p->walk1.steps[axis];
            at2 += p->walk2.steps[axis];
        }
    } while (axis >= 0);
}

void qe_add_s8(const qe_add_params *params, const int8_t *input1, const int8_t *input2,
               int8_t *output)
{
    add_arrays(params, input1, input2, output, 1);
}

void qe_add_s16(const qe_add_params *params, const int16_t *input1, const int16_t *input2,
                int16_t *output)
{
    add_arrays(params, input1, input2, output, 2);
}

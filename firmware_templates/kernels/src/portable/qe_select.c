/* Selection by a condition. Interface: qe_select.h. */
#include "qe_select.h"

#include "qe_elements.h"

QE_TEMPLATE void select_values(const qe_select_params *p, const uint8_t *condition,
                               const void *input1, const void *input2, void *output, int32_t bytes)
{
    int32_t index[QE_WALK_MAX_RANK] = {0};
    int32_t at = 0;
    int32_t at1 = 0;
    int32_t at2 = 0;
    int32_t y_at = 0;
    int32_t axis;
    do {
        for (int32_t i = 0; i < p->condition.run; ++i) {
            const int32_t y = (condition[at + i * p->condition.run_stride] != 0)
                                  ? qe_load(input1, at1 + i * p->walk1.run_stride, bytes)
                                  : qe_load(input2, at2 + i * p->walk2.run_stride, bytes);
            qe_store(output, y_at++, y, bytes);
        }
        axis = qe_walk_next(&p->condition, index);
        if (axis >= 0) {
            at += p->condition.steps[axis];
            at1 += p->walk1.steps[axis];
            at2 += p->walk2.steps[axis];
        }
    } while (axis >= 0);
}

void qe_select_s8(const qe_select_params *params, const uint8_t *condition, const int8_t *input1,
                  const int8_t *input2, int8_t *output)
{
    select_values(params, condition, input1, input2, output, 1);
}

void qe_select_s16(const qe_select_params *params, const uint8_t *condition, const int16_t *input1,
                   const int16_t *input2, int16_t *output)
{
    select_values(params, condition, input1, input2, output, 2);
}

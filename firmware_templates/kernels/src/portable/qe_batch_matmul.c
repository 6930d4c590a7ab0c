/* Matrix products of activations. Interface: qe_batch_matmul.h. */
#include "qe_batch_matmul.h"

static int8_t element(const qe_batch_matmul_params *p, const int8_t *row, const int8_t *column)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < p->depth; ++i) {
        sum += (*row - p->factor1.zero_point) * (*column - p->factor2.zero_point);
        row += p->factor1.inner_stride;
        column += p->factor2.inner_stride;
    }
    const int32_t scaled = qe_rescale(sum, &p->scale);
    return (int8_t)qe_clamp_sum(scaled, p->output_zero_point, INT8_MIN, INT8_MAX);
}

static void multiply(const qe_batch_matmul_params *p, const int8_t *x1, const int8_t *x2, int8_t *y)
{
    for (int32_t row = 0; row < p->rows; ++row) {
        for (int32_t column = 0; column < p->columns; ++column) {
            *y++ = element(p, x1 + row * p->factor1.outer_stride,
                           x2 + column * p->factor2.outer_stride);
        }
    }
}

void qe_batch_matmul_s8(const qe_batch_matmul_params *params, const int8_t *input1,
                        const int8_t *input2, int8_t *output)
{
    const qe_batch_matmul_params *p = params;
    const qe_walk *walk1 = &p->matrices.walk1;
    const qe_walk *walk2 = &p->matrices.walk2;
    int32_t index[QE_WALK_MAX_RANK] = {0};
    int32_t at1 = 0;
    int32_t at2 = 0;
    int32_t axis;
    do {
        for (int32_t i = 0; i < walk1->run; ++i) {
            multiply(p, input1 + at1 + i * walk1->run_stride, input2 + at2 + i * walk2->run_stride,
                     output);
            output += p->rows * p->columns;
        }
        axis = qe_walk_next(walk1, index);
        if (axis >= 0) {
            at1 += walk1->steps[axis];
            at2 += walk2->steps[axis];
        }
    } while (axis >= 0);
}

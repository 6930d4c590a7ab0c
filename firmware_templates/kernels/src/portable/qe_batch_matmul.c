/* Matrix products of activations. Interface: qe_batch_matmul.h. */
#include "qe_batch_matmul.h"

#include "qe_elements.h"

/* Where one row of the first factor and one column of the second begin. */
typedef struct {
    int32_t at1, at2;
} start;

QE_TEMPLATE int32_t element(const qe_batch_matmul_params *p, const void *x1, const void *x2,
                            start from, int32_t bytes)
{
    int64_t wide = 0;
    int32_t sum = 0;
    for (int32_t i = 0; i < p->depth; ++i) {
        const int32_t product = (qe_load(x1, from.at1, bytes) - p->factor1.zero_point) *
                                (qe_load(x2, from.at2, bytes) - p->factor2.zero_point);
        if (bytes > 1) {
            wide += product;
        } else {
            sum += product;
        }
        from.at1 += p->factor1.inner_stride;
        from.at2 += p->factor2.inner_stride;
    }
    const int32_t scaled = qe_rescale((bytes > 1) ? wide : sum, &p->scale);
    return (bytes > 1) ? qe_clamp_sum(scaled, 0, INT16_MIN, INT16_MAX)
                       : qe_clamp_sum(scaled, p->output_zero_point, INT8_MIN, INT8_MAX);
}

QE_TEMPLATE int32_t multiply(const qe_batch_matmul_params *p, const void *x1, const void *x2,
                             start matrices, void *y, int32_t y_at, int32_t bytes)
{
    for (int32_t row = 0; row < p->rows; ++row) {
        for (int32_t column = 0; column < p->columns; ++column) {
            const start from = {matrices.at1 + row * p->factor1.outer_stride,
                                matrices.at2 + column * p->factor2.outer_stride};
            qe_store(y, y_at++, element(p, x1, x2, from, bytes), bytes);
        }
    }
    return y_at;
}

QE_TEMPLATE void batch_matmul(const qe_batch_matmul_params *p, const void *x1, const void *x2,
                              void *y, int32_t bytes)
{
    const qe_walk *walk1 = &p->matrices.walk1;
    const qe_walk *walk2 = &p->matrices.walk2;
    int32_t index[QE_WALK_MAX_RANK] = {0};
    int32_t at1 = 0;
    int32_t at2 = 0;
    int32_t y_at = 0;
    int32_t axis;
    do {
        for (int32_t i = 0; i < walk1->run; ++i) {
            const start matrices = {at1 + i * walk1->run_stride, at2 + i * walk2->run_stride};
            y_at = multiply(p, x1, x2, matrices, y, y_at, bytes);
        }
        axis = qe_walk_next(walk1, index);
        if (axis >= 0) {
            at1 += walk1->steps[axis];
            at2 += walk2->steps[axis];
        }
    } while (axis >= 0);
}

void qe_batch_matmul_s8(const qe_batch_matmul_params *params, const int8_t *input1,
                        const int8_t *input2, int8_t *output)
{
    batch_matmul(params, input1, input2, output, 1);
}

void qe_batch_matmul_s16(const qe_batch_matmul_params *params, const int16_t *input1,
                         const int16_t *input2, int16_t *output)
{
    batch_matmul(params, input1, input2, output, 2);
}

/* Matrix products that end with their sums. Interface: qe_matmul_integer.h. */
#include "qe_matmul_integer.h"

/* One matrix of the output. */
static void multiply(const qe_matmul_integer_params *p, const int8_t *left, const int8_t *right,
                     int32_t zero_point1, int32_t zero_point2, int32_t *output)
{
    for (int32_t row = 0; row < p->rows; ++row) {
        for (int32_t column = 0; column < p->columns; ++column) {
            int32_t sum = 0;
            for (int32_t i = 0; i < p->depth; ++i) {
                sum += (left[i] - zero_point1) * (right[i * p->columns + column] - zero_point2);
            }
            *output++ = sum;
        }
        left += p->depth;
    }
}

void qe_matmul_integer_s8(const qe_matmul_integer_params *params, const int8_t *input1,
                          const int8_t *input2, const int8_t *zero_point1,
                          const int8_t *zero_point2, int32_t *output)
{
    const qe_walk *walk1 = &params->matrices.walk1;
    const qe_walk *walk2 = &params->matrices.walk2;
    int32_t index[QE_WALK_MAX_RANK] = {0};
    int32_t at1 = 0;
    int32_t at2 = 0;
    int32_t axis;
    do {
        for (int32_t i = 0; i < walk1->run; ++i) {
            multiply(params, input1 + at1 + i * walk1->run_stride,
                     input2 + at2 + i * walk2->run_stride, *zero_point1, *zero_point2, output);
            output += params->rows * params->columns;
        }
        axis = qe_walk_next(walk1, index);
        if (axis >= 0) {
            at1 += walk1->steps[axis];
            at2 += walk2->steps[axis];
        }
    } while (axis >= 0);
}

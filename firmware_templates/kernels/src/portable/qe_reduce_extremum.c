/* Maximum and minimum over axes. Interface: qe_reduce_extremum.h. */
#include "qe_reduce_extremum.h"

#include "qe_elements.h"

/* Extreme of the values of one output, the first of them at `x_at`. */
QE_TEMPLATE int32_t reduce(const qe_reduce_extremum_params *p, const void *input, int32_t x_at,
                           int32_t bytes)
{
    const qe_walk *walk = &p->reduced;
    int32_t index[QE_WALK_MAX_RANK] = {0};
    int32_t axis;
    int32_t extreme = qe_load(input, x_at, bytes);
    do {
        int32_t x = x_at;
        for (int32_t i = 0; i < walk->run; ++i) {
            const int32_t value = qe_load(input, x, bytes);
            extreme = ((value > extreme) == (p->largest != 0)) ? value : extreme;
            x += walk->run_stride;
        }
        axis = qe_walk_next(walk, index);
        x_at += (axis >= 0) ? walk->steps[axis] : 0;
    } while (axis >= 0);
    return extreme;
}

QE_TEMPLATE void reduce_extremum(const qe_reduce_extremum_params *p, const void *input,
                                 void *output, int32_t bytes)
{
    int32_t index[QE_WALK_MAX_RANK] = {0};
    int32_t first = 0;
    int32_t y_at = 0;
    int32_t axis;
    do {
        for (int32_t i = 0; i < p->kept.run; ++i) {
            const int32_t y = reduce(p, input, first + i * p->kept.run_stride, bytes);
            qe_store(output, y_at++, y, bytes);
        }
        axis = qe_walk_next(&p->kept, index);
        first += (axis >= 0) ? p->kept.steps[axis] : 0;
    } while (axis >= 0);
}

void qe_reduce_extremum_s8(const qe_reduce_extremum_params *params, const int8_t *input,
                           int8_t *output)
{
    reduce_extremum(params, input, output, 1);
}

void qe_reduce_extremum_s16(const qe_reduce_extremum_params *params, const int16_t *input,
                            int16_t *output)
{
    reduce_extremum(params, input, output, 2);
}

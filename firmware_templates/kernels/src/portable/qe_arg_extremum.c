/* Position of the maximum or minimum. Interface: qe_arg_extremum.h. */
#include "qe_arg_extremum.h"

/* Position of the extreme among `size` values, `step` apart. */
static int32_t position_of_extreme(const int8_t *x, int32_t size, int32_t step, int32_t largest)
{
    int32_t position = 0;
    int32_t extreme = x[0];
    for (int32_t i = 1; i < size; ++i) {
        const int32_t value = x[i * step];
        if ((largest != 0) ? (value > extreme) : (value < extreme)) {
            extreme = value;
            position = i;
        }
    }
    return position;
}

void qe_arg_extremum_s8(const qe_arg_extremum_params *params, const int8_t *input, int32_t *output)
{
    const qe_arg_extremum_params *p = params;
    for (int32_t i = 0; i < p->outer; ++i) {
        for (int32_t k = 0; k < p->inner; ++k) {
            *output++ = position_of_extreme(input + k, p->size, p->inner, p->largest);
        }
        input += p->size * p->inner;
    }
}

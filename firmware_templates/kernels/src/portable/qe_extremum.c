/* Maximum and minimum of two arrays. Interface: qe_extremum.h. */
#include "qe_extremum.h"

static int32_t extremum(const void *params, int32_t x1, int32_t x2)
{
    const int32_t largest = ((const qe_extremum_params *)params)->largest;
    return ((x1 > x2) == (largest != 0)) ? x1 : x2;
}

void qe_extremum_s8(const qe_extremum_params *params, const int8_t *input1, const int8_t *input2,
                    int8_t *output)
{
    qe_apply(extremum, params, &params->inputs, input1, input2, output, 1, 1);
}

void qe_extremum_s16(const qe_extremum_params *params, const int16_t *input1, const int16_t *input2,
                     int16_t *output)
{
    qe_apply(extremum, params, &params->inputs, input1, input2, output, 2, 2);
}

void qe_extremum_s32(const qe_extremum_params *params, const int32_t *input1, const int32_t *input2,
                     int32_t *output)
{
    qe_apply(extremum, params, &params->inputs, input1, input2, output, 4, 4);
}

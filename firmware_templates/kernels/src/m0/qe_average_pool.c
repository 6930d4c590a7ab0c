/* AVERAGE_POOL_2D of images stored plane by plane. */
#include "qe_average_pool_m0.h"

static int32_t at_least(int32_t value, int32_t minimum)
{
    return value < minimum ? minimum : value;
}

static int32_t at_most(int32_t value, int32_t maximum)
{
    return value > maximum ? maximum : value;
}

/* Nearest mean, ties away from zero. */
static int32_t mean(int32_t sum, int32_t count)
{
    const int32_t half = count / 2;
    return (sum > 0 ? sum + half : sum - half) / count;
}

static int8_t pool_one(const qe_average_pool_m0_params *params, const int8_t *plane, int32_t top,
                       int32_t left)
{
    const int32_t width = params->input.w;
    const int32_t first_y = at_least(top, 0), first_x = at_least(left, 0);
    const int32_t rows = at_most(top + params->window.h, params->input.h) - first_y;
    const int32_t columns = at_most(left + params->window.w, width) - first_x;
    const int8_t *row = plane + first_y * width + first_x;
    int32_t sum = 0;
    for (int32_t y = rows; y > 0; y--, row += width) {
        for (const int8_t *x = row; x != row + columns; x++) {
            sum += *x;
        }
    }
    return (int8_t)at_least(at_most(mean(sum, rows * columns), params->maximum), params->minimum);
}

void qe_average_pool_planar_m0(const qe_average_pool_m0_params *params, const int8_t *input,
                               int8_t *output)
{
    for (int32_t left = params->output.c; left > 0; left--) {
        for (int32_t y = 0; y < params->output.h; y++) {
            const int32_t top = y * params->stride.h - params->padding.h;
            for (int32_t x = 0; x < params->output.w; x++) {
                const int32_t corner = x * params->stride.w - params->padding.w;
                *output++ = pool_one(params, input, top, corner);
            }
        }
        input += params->input.h * params->input.w;
    }
}

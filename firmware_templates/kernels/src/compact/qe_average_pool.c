/* AVERAGE_POOL_2D, value by value. docs/kernels-compact.md */
#include "qe_average_pool_compact.h"

/* Mean of one channel under the window whose corner is at y, x; what lies outside the image does
 * not count. */
static int32_t mean(const qe_average_pool_compact_params *p, const int8_t *channel, int32_t y,
                    int32_t x)
{
    int32_t sum = 0, count = 0;
    for (int32_t row = y; row < y + p->window.h; ++row) {
        for (int32_t column = x; column < x + p->window.w; ++column) {
            if (row >= 0 && row < p->input.h && column >= 0 && column < p->input.w) {
                sum += channel[(row * p->input.w + column) * p->channels];
                ++count;
            }
        }
    }
    const int32_t half = count / 2;
    return (sum + ((sum > 0) ? half : -half)) / count;
}

void qe_average_pool_compact(const qe_average_pool_compact_params *params, const int8_t *input,
                             int8_t *output)
{
    int32_t y = -(int32_t)params->padding.h;
    for (int32_t rows = params->output.h; rows > 0; --rows, y += params->stride.h) {
        int32_t x = -(int32_t)params->padding.w;
        for (int32_t columns = params->output.w; columns > 0; --columns, x += params->stride.w) {
            for (int32_t channel = 0; channel < params->channels; ++channel) {
                const int32_t value = mean(params, input + channel, y, x);
                *output++ = (int8_t)qe_clamp(value, params->minimum, params->maximum);
            }
        }
    }
}

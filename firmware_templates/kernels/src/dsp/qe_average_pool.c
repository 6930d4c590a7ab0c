/* AVERAGE_POOL_2D for the Cortex-M DSP extension: four values of a word at a time. */
#include "qe_average_pool_dsp.h"

#define ONES 0x00010001U

/* What a window sees of the input. */
typedef struct {
    int32_t y, x, rows, columns;
} qe_view;

static int32_t at_least(int32_t value, int32_t minimum)
{
    return value < minimum ? minimum : value;
}

static int32_t at_most(int32_t value, int32_t maximum)
{
    return value > maximum ? maximum : value;
}

static qe_view view_at(const qe_average_pool_dsp_params *params, int32_t out_y, int32_t out_x)
{
    const int32_t top = out_y * params->stride.h - params->padding.h;
    const int32_t left = out_x * params->stride.w - params->padding.w;
    qe_view view = {.y = at_least(top, 0), .x = at_least(left, 0)};
    view.rows = at_most(top + params->window.h, params->input.h) - view.y;
    view.columns = at_most(left + params->window.w, params->input.w) - view.x;
    return view;
}

/* Nearest mean, ties away from zero. */
static int8_t mean(const qe_average_pool_dsp_params *params, int32_t sum, int32_t count)
{
    const int32_t half = count / 2;
    const int32_t rounded = (sum > 0 ? sum + half : sum - half) / count;
    return (int8_t)at_least(at_most(rounded, params->maximum), params->minimum);
}

static int32_t sum_of_run(const int8_t *values, int32_t count)
{
    int32_t sum = 0;
    for (; count >= 4; count -= 4, values += 4) {
        const uint32_t x = qe_load4(values);
        sum = qe_smlad(qe_sxtb16(x), ONES, sum);
        sum = qe_smlad(qe_sxtb16_ror8(x), ONES, sum);
    }
    for (; count > 0; count--) {
        sum += *values++;
    }
    return sum;
}

static int32_t sum_of_view(const int8_t *plane, int32_t width, const qe_view *view)
{
    const int8_t *row = plane + view->y * width + view->x;
    if (view->columns == width) {
        return sum_of_run(row, view->rows * width);
    }
    int32_t sum = 0;
    for (int32_t left = view->rows; left > 0; left--, row += width) {
        sum += sum_of_run(row, view->columns);
    }
    return sum;
}

void qe_average_pool_planar_dsp(const qe_average_pool_dsp_params *params, const int8_t *input,
                                int8_t *output)
{
    for (int32_t left = params->output.c; left > 0; left--) {
        for (int32_t y = 0; y < params->output.h; y++) {
            for (int32_t x = 0; x < params->output.w; x++) {
                const qe_view view = view_at(params, y, x);
                const int32_t sum = sum_of_view(input, params->input.w, &view);
                *output++ = mean(params, sum, view.rows * view.columns);
            }
        }
        input += params->input.h * params->input.w;
    }
}

/* Four channels: halfword sums of channels 0 and 2, and of 1 and 3. */
static void pool_four(const qe_average_pool_dsp_params *params, const int8_t *corner,
                      const qe_view *view, int8_t *output)
{
    const int32_t c = params->input.c;
    uint32_t even = 0, odd = 0;
    for (int32_t rows = view->rows; rows > 0; rows--, corner += params->input.w * c) {
        const int8_t *pixel = corner;
        for (int32_t left = view->columns; left > 0; left--, pixel += c) {
            const uint32_t x = qe_load4(pixel);
            even = qe_sxtab16(even, x);
            odd = qe_sxtab16_ror8(odd, x);
        }
    }
    const int32_t count = view->rows * view->columns;
    output[0] = mean(params, (int16_t)(even & 0xFFFFU), count);
    output[1] = mean(params, (int16_t)(odd & 0xFFFFU), count);
    output[2] = mean(params, (int16_t)(even >> 16), count);
    output[3] = mean(params, (int16_t)(odd >> 16), count);
}

static int8_t pool_one(const qe_average_pool_dsp_params *params, const int8_t *corner,
                       const qe_view *view)
{
    const int32_t c = params->input.c;
    int32_t sum = 0;
    for (int32_t rows = view->rows; rows > 0; rows--, corner += params->input.w * c) {
        for (int32_t column = 0; column < view->columns; column++) {
            sum += corner[column * c];
        }
    }
    return mean(params, sum, view->rows * view->columns);
}

void qe_average_pool_dsp(const qe_average_pool_dsp_params *params, const int8_t *input,
                         int8_t *output)
{
    const int32_t c = params->input.c;
    for (int32_t y = 0; y < params->output.h; y++) {
        for (int32_t x = 0; x < params->output.w; x++) {
            const qe_view view = view_at(params, y, x);
            const int8_t *corner = input + (view.y * params->input.w + view.x) * c;
            int32_t channel = 0;
            for (; channel + 4 <= c; channel += 4) {
                pool_four(params, corner + channel, &view, output);
                output += 4;
            }
            for (; channel < c; channel++) {
                *output++ = pool_one(params, corner + channel, &view);
            }
        }
    }
}

/* DEPTHWISE_CONV_2D, channel by channel, through a window of padded rows that slides down the
 * image. docs/kernels-compact.md */
#include "qe_depthwise_conv_compact.h"

#include <string.h>

/* Output rows of one channel from the window. */
typedef void filter_rows(const qe_depthwise_conv_compact_params *p, int32_t channel,
                         const int16_t *window, int32_t rows, int8_t *output);

static int32_t sum_taps(const qe_depthwise_conv_compact_params *p, const int16_t *row,
                        const int8_t *w)
{
    int32_t sum = 0;
    for (int32_t y = p->kernel.h; y > 0; --y, row += p->dilation.h * p->row_values) {
        const int16_t *x = row;
        for (int32_t left = p->kernel.w; left > 0; --left, x += p->dilation.w) {
            sum += *x * *w++;
        }
    }
    return sum;
}

static void filter_any(const qe_depthwise_conv_compact_params *p, int32_t channel,
                       const int16_t *window, int32_t rows, int8_t *output)
{
    const qe_compact_filters *by = &p->filters;
    for (; rows > 0; --rows, window += p->stride.h * p->row_values) {
        const int16_t *x = window;
        for (int32_t left = p->output.w; left > 0; --left, x += p->stride.w) {
            *output =
                qe_compact_output(by, channel, sum_taps(p, x, by->weights + channel * by->taps));
            output += by->outputs;
        }
    }
}

static inline int32_t sum_row(const int16_t *x, int32_t w0, int32_t w1, int32_t w2)
{
    return x[0] * w0 + x[1] * w1 + x[2] * w2;
}

/* The same for 3x3 taps; what stays the same for the whole channel is loaded once. */
static void filter_3x3(const qe_depthwise_conv_compact_params *p, int32_t channel,
                       const int16_t *window, int32_t rows, int8_t *output)
{
    const qe_compact_filters by = p->filters;
    const int8_t *w = by.weights + 9 * channel;
    const int32_t w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3], w4 = w[4], w5 = w[5];
    const int32_t w6 = w[6], w7 = w[7], w8 = w[8];
    const int32_t bias = qe_compact_bias(&by, channel);
    const int32_t multiplier = by.multiplier[channel * by.channel_step];
    const int32_t shift = by.shift[channel * by.channel_step];
    const int32_t row = p->row_values, stride = p->stride.w, width = p->output.w * stride;
    for (; rows > 0; --rows, window += stride * row) {
        const int16_t *end = window + width;
        for (const int16_t *x = window; x != end; x += stride, output += by.outputs) {
            const int32_t acc = bias + sum_row(x, w0, w1, w2) + sum_row(x + row, w3, w4, w5) +
                                sum_row(x + 2 * row, w6, w7, w8);
            *output = qe_compact_finish(&by, acc, multiplier, shift);
        }
    }
}

/* The window's next row: that of the image, or padding. Its sides are padding since the start. */
static void load_row(const qe_depthwise_conv_compact_params *p, const int8_t *channel, int32_t y,
                     int16_t *row)
{
    if (y < 0 || y >= p->input.h) {
        memset(row, 0, 2u * p->row_values);
        return;
    }
    const int32_t zero = p->filters.input_zero_point, step = p->input_c;
    const int8_t *from = channel + y * p->input.w * step;
    row += p->padding.w;
    for (int32_t left = p->input.w; left > 0; --left, from += step) {
        *row++ = (int16_t)(*from - zero);
    }
}

static int32_t window_rows(const qe_depthwise_conv_compact_params *p, int32_t output_rows)
{
    return (output_rows - 1) * p->stride.h + (p->kernel.h - 1) * p->dilation.h + 1;
}

/* All outputs of one input channel: band after band, keeping the rows that two bands share. */
static void slide(const qe_depthwise_conv_compact_params *p, filter_rows *filter, int32_t channel,
                  const int8_t *input, int8_t *output, int16_t *window)
{
    const int32_t advance = p->band * p->stride.h;
    int32_t loaded = 0, next = -(int32_t)p->padding.h;
    for (int32_t first = 0; first < p->output.h; first += p->band) {
        const int32_t left = p->output.h - first;
        const int32_t rows = (left < p->band) ? left : p->band;
        if (first > 0 && loaded > advance) {
            loaded -= advance;
            memmove(window, window + advance * p->row_values, (size_t)(2 * loaded * p->row_values));
        } else if (first > 0) {
            next += advance - loaded;
            loaded = 0;
        }
        for (; loaded < window_rows(p, rows); ++loaded, ++next) {
            load_row(p, input, next, window + loaded * p->row_values);
        }
        for (int32_t i = 0; i < p->channel_outputs; ++i) {
            filter(p, channel + i, window, rows,
                   output + first * p->output.w * p->filters.outputs + i);
        }
    }
}

static void filter_image(const qe_depthwise_conv_compact_params *p, filter_rows *filter,
                         const int8_t *input, int8_t *output, int16_t *window)
{
    memset(window, 0, (size_t)(2 * window_rows(p, p->band) * p->row_values));
    for (int32_t channel = 0; channel < p->filters.outputs; channel += p->channel_outputs) {
        slide(p, filter, channel, input, output, window);
        input += 1;
        output += p->channel_outputs;
    }
}

void qe_depthwise_conv_compact(const qe_depthwise_conv_compact_params *params, const int8_t *input,
                               int8_t *output, void *scratch)
{
    filter_image(params, filter_any, input, output, scratch);
}

void qe_depthwise_conv_3x3_compact(const qe_depthwise_conv_compact_params *params,
                                   const int8_t *input, int8_t *output, void *scratch)
{
    filter_image(params, filter_3x3, input, output, scratch);
}

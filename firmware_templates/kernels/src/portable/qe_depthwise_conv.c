/* Depthwise 2-D convolution, any geometry. Interface: qe_depthwise_conv.h. */
#include "qe_depthwise_conv.h"

#include "qe_elements.h"

/* Sum of products of one output value; `x_at` and `w_at` are those of its first tap. */
QE_TEMPLATE int64_t accumulate(const qe_depthwise_conv_params *p, const qe_window *window,
                               const void *input, int32_t x_at, int32_t w_at, int32_t x_bytes,
                               int32_t w_bits)
{
    const qe_geometry *g = &p->geometry;
    const int32_t x_step = g->dilation.w * g->input.c;
    int64_t total = 0;
    int32_t sum =
        0; /* int8: of all taps; int16: of one, since 256 of them need more than 32 bits */

    for (int32_t row = 0; row < window->rows; ++row) {
        int32_t x = x_at;
        int32_t w = w_at;
        for (int32_t i = 0; i < window->columns; ++i) {
            const int32_t value = qe_load(input, x, x_bytes) - p->input_zero_point;
            const int32_t weight = qe_weight(p->weights, w, w_bits);
            /* Products of int8 fit an int of 16 bits, too. */
            sum += (x_bytes == 1) ? (int)value * (int)weight : value * weight;
            if (x_bytes > 1) {
                total += sum;
                sum = 0;
            }
            x += x_step;
            w += g->output.c;
        }
        x_at += window->row_step * g->input.c;
        w_at += g->window.w * g->output.c;
    }
    return (x_bytes > 1) ? total : sum;
}

/* The same of QE_BLOCK neighbouring channels, int8, each with one filter. */
QE_TEMPLATE qe_block accumulate_block(const qe_depthwise_conv_params *p, const qe_window *window,
                                      const int8_t *input, const QE_ROM int8_t *weights)
{
    const qe_geometry *g = &p->geometry;
    const int32_t x_step = g->dilation.w * g->input.c;
    qe_block sums = {0, 0, 0, 0};
    for (int32_t row = 0; row < window->rows; ++row) {
        const int8_t *x = input;
        const QE_ROM int8_t *w = weights;
        for (int32_t i = 0; i < window->columns; ++i) {
            sums.sum0 += (int)(x[0] - p->input_zero_point) * w[0];
            sums.sum1 += (int)(x[1] - p->input_zero_point) * w[1];
            sums.sum2 += (int)(x[2] - p->input_zero_point) * w[2];
            sums.sum3 += (int)(x[3] - p->input_zero_point) * w[3];
            x += x_step;
            w += g->output.c;
        }
        input += window->row_step * g->input.c;
        weights += g->window.w * g->output.c;
    }
    return sums;
}

/* All channels of one output pixel, written from `y_at` on; `image` is the index of the input's. */
QE_TEMPLATE void compute_pixel(const qe_depthwise_conv_params *p, const qe_window *window,
                               const void *input, int32_t image, void *output, int32_t y_at,
                               int32_t x_bytes, int32_t w_bits)
{
    const qe_geometry *g = &p->geometry;
    int32_t w_at = window->first_tap * g->output.c;
    int32_t x_at = image + window->first_pixel * g->input.c;
    int32_t out_c = 0;

    if (x_bytes == 1 && w_bits == 8 && p->depth_multiplier == 1) {
        for (; g->output.c - out_c >= QE_BLOCK; out_c += QE_BLOCK) {
            const qe_block sums =
                accumulate_block(p, window, (const int8_t *)input + x_at, p->weights + w_at);
            qe_finish_block(&p->stage, out_c, sums, (int8_t *)output + y_at + out_c);
            x_at += QE_BLOCK;
            w_at += QE_BLOCK;
        }
    }
    int32_t left_of_input = p->depth_multiplier;
    for (; out_c < g->output.c; ++out_c) {
        if (left_of_input == 0) {
            left_of_input = p->depth_multiplier;
            ++x_at;
        }
        const int64_t sum = accumulate(p, window, input, x_at, w_at, x_bytes, w_bits);
        qe_store(output, y_at + out_c, qe_finish(&p->stage, out_c, sum), x_bytes);
        --left_of_input;
        ++w_at;
    }
}

QE_TEMPLATE void depthwise_conv(const qe_depthwise_conv_params *p, const void *input, void *output,
                                int32_t x_bytes, int32_t w_bits)
{
    const qe_geometry *g = &p->geometry;
    for (qe_pixel at = qe_first_pixel(g); at.left > 0; qe_next_pixel(g, &at)) {
        const qe_window window = qe_window_at(g, at.y, at.x);
        compute_pixel(p, &window, input, at.input_at, output, at.y_at, x_bytes, w_bits);
    }
}

void qe_depthwise_conv_s8(const qe_depthwise_conv_params *params, const int8_t *input,
                          int8_t *output)
{
    depthwise_conv(params, input, output, 1, 8);
}

void qe_depthwise_conv_s8_w4(const qe_depthwise_conv_params *params, const int8_t *input,
                             int8_t *output)
{
    depthwise_conv(params, input, output, 1, 4);
}

void qe_depthwise_conv_s16(const qe_depthwise_conv_params *params, const int16_t *input,
                           int16_t *output)
{
    depthwise_conv(params, input, output, 2, 8);
}

void qe_depthwise_conv_s16_w4(const qe_depthwise_conv_params *params, const int16_t *input,
                              int16_t *output)
{
    depthwise_conv(params, input, output, 2, 4);
}

/* 2-D convolution, any geometry. Interface: qe_conv.h. */
#include "qe_conv.h"

#include "qe_elements.h"

/* Sum of products of one output value; `x_at` and `w_at` are those of its first tap. */
QE_TEMPLATE int64_t accumulate(const qe_conv_params *p, const qe_window *window, const void *input,
                               int32_t x_at, int32_t w_at, int32_t x_bytes, int32_t w_bits)
{
    const qe_geometry *g = &p->geometry;
    /* Without gaps between them, the taps of a row are one run of neighbours. */
    const int32_t dense = (p->depth == g->input.c && g->dilation.w == 1) ? 1 : 0;
    const int32_t runs = dense ? 1 : window->columns;
    const int32_t run = dense ? window->columns * p->depth : p->depth;
    int64_t sum = 0;

    for (int32_t row = 0; row < window->rows; ++row) {
        int32_t x = x_at;
        int32_t w = w_at;
        for (int32_t i = 0; i < runs; ++i) {
            sum += qe_dot(input, x, p->weights, w, run, p->input_zero_point, x_bytes, w_bits);
            x += g->dilation.w * g->input.c;
            w += p->depth;
        }
        x_at += window->row_step * g->input.c;
        w_at += g->window.w * p->depth;
    }
    return sum;
}

/* All channels of one output pixel, written from `y_at` on; `image` is the index of the input's. */
QE_TEMPLATE void compute_pixel(const qe_conv_params *p, const qe_window *window, const void *input,
                               int32_t image, void *output, int32_t y_at, int32_t x_bytes,
                               int32_t w_bits)
{
    const qe_geometry *g = &p->geometry;
    const int32_t filter_size = g->window.h * g->window.w * p->depth;
    int32_t x_at = image + window->first_pixel * g->input.c;
    int32_t w_at = window->first_tap * p->depth;
    int32_t last_of_group = p->group_outputs;

    for (int32_t out_c = 0; out_c < g->output.c; ++out_c) {
        if (out_c == last_of_group) {
            last_of_group += p->group_outputs;
            x_at += p->depth;
        }
        const int64_t sum = accumulate(p, window, input, x_at, w_at, x_bytes, w_bits);
        qe_store(output, y_at + out_c, qe_finish(&p->stage, out_c, sum), x_bytes);
        w_at += filter_size;
    }
}

QE_TEMPLATE void conv(const qe_conv_params *p, const void *input, void *output, int32_t x_bytes,
                      int32_t w_bits)
{
    const qe_geometry *g = &p->geometry;
    for (qe_pixel at = qe_first_pixel(g); at.left > 0; qe_next_pixel(g, &at)) {
        const qe_window window = qe_window_at(g, at.y, at.x);
        compute_pixel(p, &window, input, at.input_at, output, at.y_at, x_bytes, w_bits);
    }
}

void qe_conv_s8(const qe_conv_params *params, const int8_t *input, int8_t *output)
{
    conv(params, input, output, 1, 8);
}

void qe_conv_s8_w4(const qe_conv_params *params, const int8_t *input, int8_t *output)
{
    conv(params, input, output, 1, 4);
}

void qe_conv_s16(const qe_conv_params *params, const int16_t *input, int16_t *output)
{
    conv(params, input, output, 2, 8);
}

void qe_conv_s16_w4(const qe_conv_params *params, const int16_t *input, int16_t *output)
{
    conv(params, input, output, 2, 4);
}

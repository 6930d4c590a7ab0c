/* 2-D convolution that ends with its sums. Interface: qe_conv_integer.h. */
#include "qe_conv_integer.h"

/* One filter over one window; `input` and `weights` are at the first tap. */
static int32_t accumulate(const qe_conv_integer_params *p, const qe_window *window,
                          const int8_t *input, const int8_t *weights, int32_t zero_point)
{
    const qe_geometry *g = &p->geometry;
    int32_t sum = 0;
    for (int32_t row = 0; row < window->rows; ++row) {
        for (int32_t column = 0; column < window->columns; ++column) {
            const int8_t *x = input + column * g->dilation.w * g->input.c;
            const int8_t *w = weights + column * p->depth;
            for (int32_t i = 0; i < p->depth; ++i) {
                sum += w[i] * (x[i] - zero_point);
            }
        }
        input += window->row_step * g->input.c;
        weights += g->window.w * p->depth;
    }
    return sum;
}

void qe_conv_integer_s8(const qe_conv_integer_params *params, const int8_t *input,
                        const int8_t *zero_point, int32_t *output)
{
    const qe_geometry *g = &params->geometry;
    const int32_t filter_size = g->window.h * g->window.w * params->depth;
    for (qe_pixel at = qe_first_pixel(g); at.left > 0; qe_next_pixel(g, &at)) {
        const qe_window window = qe_window_at(g, at.y, at.x);
        const int8_t *x = input + at.input_at + window.first_pixel * g->input.c;
        const int8_t *w = params->weights + window.first_tap * params->depth;
        for (int32_t c = 0; c < g->output.c; ++c) {
            const int32_t group = c / params->group_outputs;
            output[at.y_at + c] = accumulate(params, &window, x + group * params->depth,
                                             w + c * filter_size, *zero_point);
        }
    }
}

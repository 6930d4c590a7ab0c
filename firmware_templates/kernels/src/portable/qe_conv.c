/* 2-D convolution, any geometry. Interface: qe_conv.h. */
#include "qe_conv.h"

#include "qe_elements.h"

/* What a filter sees of a window: rows of runs of neighbours. Steps in values. */
typedef struct {
    int32_t rows, runs, run;
    int32_t x_row_step, x_run_step, w_row_step, w_run_step;
} taps;

static taps taps_of(const qe_conv_params *p, const qe_window *window)
{
    const qe_geometry *g = &p->geometry;
    /* Without gaps between them, the taps of a row are one run. */
    const int32_t dense = (p->depth == g->input.c && g->dilation.w == 1) ? 1 : 0;
    taps seen;
    seen.rows = window->rows;
    seen.runs = dense ? 1 : window->columns;
    seen.run = dense ? window->columns * p->depth : p->depth;
    seen.x_row_step = window->row_step * g->input.c;
    seen.x_run_step = g->dilation.w * g->input.c;
    seen.w_row_step = g->window.w * p->depth;
    seen.w_run_step = p->depth;
    return seen;
}

/* Sum of products of one output value; `x_at` and `w_at` are those of its first tap. */
QE_TEMPLATE int64_t accumulate(const qe_conv_params *p, const taps *seen, const void *input,
                               int32_t x_at, int32_t w_at, int32_t x_bytes, int32_t w_bits)
{
    int64_t sum = 0;
    for (int32_t row = 0; row < seen->rows; ++row) {
        int32_t x = x_at;
        int32_t w = w_at;
        for (int32_t i = 0; i < seen->runs; ++i) {
            sum += qe_dot(input, x, p->weights, w, seen->run, p->input_zero_point, x_bytes, w_bits);
            x += seen->x_run_step;
            w += seen->w_run_step;
        }
        x_at += seen->x_row_step;
        w_at += seen->w_row_step;
    }
    return sum;
}

/* The same of QE_BLOCK filters, int8; `input` and `weights` are at the first tap of the first. */
QE_TEMPLATE qe_block accumulate_block(const qe_conv_params *p, const taps *seen,
                                      const int8_t *input, const QE_ROM int8_t *weights,
                                      int32_t filter_size)
{
    qe_block sums = {0, 0, 0, 0};
    for (int32_t row = 0; row < seen->rows; ++row) {
        for (int32_t i = 0; i < seen->runs; ++i) {
            sums = qe_dot_block(sums, input + i * seen->x_run_step, weights + i * seen->w_run_step,
                                filter_size, seen->run, p->input_zero_point);
        }
        input += seen->x_row_step;
        weights += seen->w_row_step;
    }
    return sums;
}

/* All channels of one output pixel, written from `y_at` on; `image` is the index of the input's. */
QE_TEMPLATE void compute_pixel(const qe_conv_params *p, const qe_window *window, const void *input,
                               int32_t image, void *output, int32_t y_at, int32_t x_bytes,
                               int32_t w_bits)
{
    const qe_geometry *g = &p->geometry;
    const int32_t filter_size = g->window.h * g->window.w * p->depth;
    const taps seen = taps_of(p, window);
    int32_t x_at = image + window->first_pixel * g->input.c;
    int32_t w_at = window->first_tap * p->depth;
    int32_t left_of_group = p->group_outputs;

    for (int32_t out_c = 0; out_c < g->output.c;) {
        if (left_of_group == 0) {
            left_of_group = p->group_outputs;
            x_at += p->depth;
        }
        int32_t done = 1;
        if (x_bytes == 1 && w_bits == 8 && left_of_group >= QE_BLOCK) {
            const qe_block sums = accumulate_block(p, &seen, (const int8_t *)input + x_at,
                                                   p->weights + w_at, filter_size);
            qe_finish_block(&p->stage, out_c, sums, (int8_t *)output + y_at + out_c);
            done = QE_BLOCK;
        } else {
            const int64_t sum = accumulate(p, &seen, input, x_at, w_at, x_bytes, w_bits);
            qe_store(output, y_at + out_c, qe_finish(&p->stage, out_c, sum), x_bytes);
        }
        out_c += done;
        left_of_group -= done;
        w_at += done * filter_size;
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

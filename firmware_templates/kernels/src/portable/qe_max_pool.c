/* Maximum pooling. Interface: qe_max_pool.h. */
#include "qe_max_pool.h"

#include "qe_elements.h"
#include "qe_fixedpoint.h"

/* Largest of one channel of a window whose first value is at `x_at`. */
QE_TEMPLATE int32_t window_max(const qe_geometry *g, const qe_window *window, const void *input,
                               int32_t x_at, int32_t bytes)
{
    int32_t largest = qe_load(input, x_at, bytes);
    for (int32_t row = 0; row < window->rows; ++row) {
        int32_t x = x_at;
        for (int32_t i = 0; i < window->columns; ++i) {
            const int32_t value = qe_load(input, x, bytes);
            largest = (value > largest) ? value : largest;
            x += g->input.c;
        }
        x_at += window->row_step * g->input.c;
    }
    return largest;
}

QE_TEMPLATE void max_pool(const qe_max_pool_params *p, const void *input, void *output,
                          int32_t bytes)
{
    const qe_geometry *g = &p->geometry;
    for (qe_pixel at = qe_first_pixel(g); at.left > 0; qe_next_pixel(g, &at)) {
        const qe_window window = qe_window_at(g, at.y, at.x);
        const int32_t first = at.input_at + window.first_pixel * g->input.c;
        for (int32_t c = 0; c < g->output.c; ++c) {
            const int32_t largest = window_max(g, &window, input, first + c, bytes);
            qe_store(output, at.y_at + c, qe_clamp(largest, p->activation_min, p->activation_max),
                     bytes);
        }
    }
}

void qe_max_pool_s8(const qe_max_pool_params *params, const int8_t *input, int8_t *output)
{
    max_pool(params, input, output, 1);
}

void qe_max_pool_s16(const qe_max_pool_params *params, const int16_t *input, int16_t *output)
{
    max_pool(params, input, output, 2);
}

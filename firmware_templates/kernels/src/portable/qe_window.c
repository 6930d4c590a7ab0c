/* Sliding windows. Interface: qe_window.h. */
#include "qe_window.h"

typedef struct {
    int32_t begin, end;
} range;

/* Which of `taps` taps, the first at `origin`, see one of the pixels 0 to `size` - 1. */
static range taps_inside(int32_t origin, int32_t dilation, int32_t taps, int32_t size)
{
    range inside = {0, taps};
    while (inside.begin < taps && origin + inside.begin * dilation < 0) {
        ++inside.begin;
    }
    while (inside.end > inside.begin && origin + (inside.end - 1) * dilation >= size) {
        --inside.end;
    }
    return inside;
}

qe_window qe_window_at(const qe_geometry *geometry, int32_t out_y, int32_t out_x)
{
    const qe_geometry *g = geometry;
    const int32_t y = out_y * g->stride.h - g->padding.h;
    const int32_t x = out_x * g->stride.w - g->padding.w;
    const range rows = taps_inside(y, g->dilation.h, g->window.h, g->input.h);
    const range columns = taps_inside(x, g->dilation.w, g->window.w, g->input.w);

    qe_window window;
    window.rows = rows.end - rows.begin;
    window.columns = columns.end - columns.begin;
    window.first_tap = rows.begin * g->window.w + columns.begin;
    window.first_pixel =
        (y + rows.begin * g->dilation.h) * g->input.w + x + columns.begin * g->dilation.w;
    window.row_step = g->dilation.h * g->input.w;
    return window;
}

static int32_t input_size(const qe_geometry *g)
{
    return g->input.h * g->input.w * g->input.c;
}

qe_pixel qe_first_pixel(const qe_geometry *geometry)
{
    const qe_geometry *g = geometry;
    qe_pixel pixel = {g->batch * g->output.h * g->output.w, 0, 0, 0, 0};
    if (g->backward != 0) {
        pixel.y = g->output.h - 1;
        pixel.x = g->output.w - 1;
        pixel.input_at = (g->batch - 1) * input_size(g);
        pixel.y_at = (pixel.left - 1) * g->output.c;
    }
    return pixel;
}

void qe_next_pixel(const qe_geometry *geometry, qe_pixel *pixel)
{
    const qe_geometry *g = geometry;
    const int32_t step = (g->backward != 0) ? -1 : 1;
    --pixel->left;
    pixel->y_at += step * g->output.c;
    pixel->x += step;
    if (pixel->x >= 0 && pixel->x < g->output.w) {
        return;
    }
    pixel->x = (g->backward != 0) ? g->output.w - 1 : 0;
    pixel->y += step;
    if (pixel->y >= 0 && pixel->y < g->output.h) {
        return;
    }
    pixel->y = (g->backward != 0) ? g->output.h - 1 : 0;
    pixel->input_at += step * input_size(g);
}

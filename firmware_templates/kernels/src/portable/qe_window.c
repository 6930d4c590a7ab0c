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

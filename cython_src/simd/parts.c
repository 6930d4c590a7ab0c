/* Parts of a sample: some rows of the output and the rows of the input that they look at. */
#include "simd.h"

static ptrdiff_t first_of(ptrdiff_t count, ptrdiff_t part, ptrdiff_t parts)
{
    return count * part / parts;
}

/* Staging for the output rows [first, first + rows); returns its first input row. */
static ptrdiff_t cut_staging(qh_staging *s, ptrdiff_t stride, ptrdiff_t first, ptrdiff_t rows)
{
    const ptrdiff_t start = first * stride - s->top;
    const ptrdiff_t stop = start + (rows - 1) * stride + s->window_height;
    const ptrdiff_t from = start < 0 ? 0 : start > s->height ? s->height : start;
    const ptrdiff_t to = stop > s->height ? s->height : stop < from ? from : stop;
    s->top = start < 0 ? (stop < 0 ? stop : 0) - start : 0;
    s->height = to - from;
    s->bottom = stop - start - s->top - s->height;
    return from;
}

static const void *moved(const void *start, ptrdiff_t bytes)
{
    return (const char *)start + bytes;
}

/* Rows without neighbours: some pixels each, or some blocks of channels where pixels are few. */
static void cut_flat(qh_sums *layer, const void **x, void **y, ptrdiff_t value_bytes,
                     ptrdiff_t part, ptrdiff_t parts)
{
    const ptrdiff_t pixels = layer->images * layer->rows * layer->columns;
    layer->images = layer->rows = 1;
    if (pixels < 16 * parts && layer->block_count >= parts) {
        const ptrdiff_t first = first_of(layer->block_count, part, parts);
        layer->columns = pixels;
        layer->block_count = first_of(layer->block_count, part + 1, parts) - first;
        layer->blocks += first;
        return;
    }
    const ptrdiff_t first = first_of(pixels, part, parts);
    layer->columns = first_of(pixels, part + 1, parts) - first;
    *x = moved(*x, first * layer->staging.channels * value_bytes);
    *y = (char *)*y + first * layer->out_channels * value_bytes;
}

void qh_cut_sums(qh_sums *layer, const void **x, void **y, ptrdiff_t value_bytes, ptrdiff_t part,
                 ptrdiff_t parts)
{
    if (layer->flat) {
        cut_flat(layer, x, y, value_bytes, part, parts);
        return;
    }
    const ptrdiff_t first = first_of(layer->rows, part, parts);
    layer->rows = first_of(layer->rows, part + 1, parts) - first;
    const ptrdiff_t row = layer->staging.width * layer->staging.channels * value_bytes;
    *y = (char *)*y + first * layer->columns * layer->out_channels * value_bytes;
    *x = moved(*x, row * (layer->sampled
                              ? first * layer->stride_y
                              : cut_staging(&layer->staging, layer->stride_y, first, layer->rows)));
}

void qh_cut_depthwise(qh_depthwise *layer, const void **x, void **y, ptrdiff_t value_bytes,
                      ptrdiff_t part, ptrdiff_t parts)
{
    const ptrdiff_t first = first_of(layer->rows, part, parts);
    layer->rows = first_of(layer->rows, part + 1, parts) - first;
    const ptrdiff_t row = layer->staging.width * layer->staging.channels * value_bytes;
    *y = (char *)*y + first * layer->row_values * value_bytes;
    *x = moved(*x, row * cut_staging(&layer->staging, layer->stride_y, first, layer->rows));
}

void qh_cut_pool(qh_pool *layer, void **y, ptrdiff_t part, ptrdiff_t parts)
{
    const ptrdiff_t first = first_of(layer->rows, part, parts);
    layer->rows = first_of(layer->rows, part + 1, parts) - first;
    layer->top -= first * layer->stride_y;
    *y = (char *)*y + first * layer->columns * layer->channels;
}

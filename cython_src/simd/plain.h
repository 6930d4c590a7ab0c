/* Kernels in plain C that compilers vectorize for whatever instruction set includes them. */

/* Staging goes forward: `stage_values` and `fill_values` may write up to a vector beyond their end,
 * where the next call, or slack, follows. */

/* Every `phases`-th pixel of a row. */
static inline __attribute__((always_inline)) void stage_pixels(staged *to, const int8_t *from,
                                                               const ptrdiff_t channels,
                                                               ptrdiff_t phases, ptrdiff_t count)
{
    for (ptrdiff_t i = 0; i < count; i++, to += channels, from += phases * channels) {
        stage_values(to, from, channels);
    }
}

static void repeat_channels(const qh_staging *s, staged *to, const int8_t *from, ptrdiff_t count)
{
    for (ptrdiff_t i = 0; i < count; i++, from += s->phases * s->channels) {
        for (ptrdiff_t c = 0; c < s->channels; c++, to += s->repeat) {
            fill_values(to, (staged)(from[c] + STAGED_OFFSET), s->repeat);
        }
    }
}

/* One row whose columns are staged by phase, or whose channels are repeated; returns its end. */
static staged *stage_row(const qh_staging *s, staged *to, const int8_t *from, staged padding)
{
    const ptrdiff_t width = s->left + s->width + s->right, values = s->channels * s->repeat;
    for (ptrdiff_t phase = 0; phase < s->phases; phase++) {
        /* Of the columns of this phase, some lie left of the image, some in it, some right of it.
         */
        const ptrdiff_t all = (width - phase + s->phases - 1) / s->phases;
        ptrdiff_t left = (s->left - phase + s->phases - 1) / s->phases;
        ptrdiff_t inside = (s->left + s->width - phase + s->phases - 1) / s->phases;
        left = s->left > phase ? left : 0;
        inside = s->left + s->width > phase ? inside - left : 0;
        const int8_t *first = from + (left * s->phases + phase - s->left) * s->channels;
        fill_values(to, padding, left * values);
        to += left * values;
        if (s->repeat > 1) {
            repeat_channels(s, to, first, inside);
        } else if (s->channels == 16) {
            stage_pixels(to, first, 16, s->phases, inside);
        } else if (s->channels == 32) {
            stage_pixels(to, first, 32, s->phases, inside);
        } else {
            stage_pixels(to, first, s->channels, s->phases, inside);
        }
        to += inside * values;
        fill_values(to, padding, (all - left - inside) * values);
        to += (all - left - inside) * values;
    }
    return to;
}

static void stage_image(const qh_staging *s, staged *to, const int8_t *from)
{
    const staged padding = (staged)(s->zero_point + STAGED_OFFSET);
    const ptrdiff_t values = s->channels * s->repeat, row = s->width * s->channels;
    const ptrdiff_t pitch = (s->left + s->width + s->right) * values;
    if (s->repeat == 1 && s->phases == 1) {
        /* What pads a row on the right and the next one on the left lies together. */
        ptrdiff_t gap = s->top * pitch + s->left * values;
        for (ptrdiff_t y = 0; y < s->height; y++) {
            fill_values(to, padding, gap);
            to += gap;
            stage_values(to, from, row);
            to += row;
            from += row;
            gap = (s->left + s->right) * values;
        }
        fill_values(to, padding, s->right * values + s->bottom * pitch);
        return;
    }
    fill_values(to, padding, s->top * pitch);
    to += s->top * pitch;
    for (ptrdiff_t y = 0; y < s->height; y++) {
        to = stage_row(s, to, from, padding);
        from += row;
    }
    fill_values(to, padding, s->bottom * pitch);
}

/* Only the rows that 1x1 windows with a stride read. */
static void stage_some_rows(const qh_sums *layer, staged *to, const int8_t *from)
{
    const ptrdiff_t row = layer->staging.width * layer->staging.channels;
    for (ptrdiff_t y = 0; y < layer->rows; y++) {
        stage_values(to, from, row);
        to += row;
        from += layer->stride_y * row;
    }
}

/* Window of output pixel (row, column), cut to the image: [y0, y1) x [x0, x1). */
typedef struct {
    ptrdiff_t y0, y1, x0, x1;
} pool_window;

static inline pool_window window_at(const qh_pool *p, ptrdiff_t row, ptrdiff_t column)
{
    const ptrdiff_t y = row * p->stride_y - p->top, x = column * p->stride_x - p->left;
    const pool_window window = {
        y < 0 ? 0 : y,
        y + p->window_y < p->height ? y + p->window_y : p->height,
        x < 0 ? 0 : x,
        x + p->window_x < p->width ? x + p->window_x : p->width,
    };
    return window;
}

typedef int8_t some_bytes __attribute__((vector_size(32), aligned(1)));
typedef int16_t some_words __attribute__((vector_size(64)));
typedef int32_t some_sums __attribute__((vector_size(128)));
enum { SOME = 32 };

/* Sums of a window for SOME neighbouring channels. Those of up to 255 pixels fit in 16 bits. */
static inline void sum_some(const qh_pool *p, pool_window w, const int8_t *x, int32_t *to)
{
    some_sums sums = {0};
    some_words pending = {0};
    int count = 0;
    for (ptrdiff_t iy = w.y0; iy < w.y1; iy++) {
        const int8_t *pixel = x + (iy * p->width + w.x0) * p->channels;
        for (ptrdiff_t ix = w.x0; ix < w.x1; ix++, pixel += p->channels) {
            pending += __builtin_convertvector(*(const some_bytes *)pixel, some_words);
            if (++count == 255) {
                sums += __builtin_convertvector(pending, some_sums);
                pending = (some_words){0};
                count = 0;
            }
        }
    }
    sums += __builtin_convertvector(pending, some_sums);
    memcpy(to, &sums, sizeof sums);
}

static void sum_window(const qh_pool *p, pool_window w, const int8_t *x, int32_t *sums)
{
    ptrdiff_t c = 0;
    for (; c + SOME <= p->channels; c += SOME) {
        sum_some(p, w, x + c, sums + c);
    }
    for (; c < p->channels; c++) {
        sums[c] = 0;
        for (ptrdiff_t iy = w.y0; iy < w.y1; iy++) {
            for (ptrdiff_t ix = w.x0; ix < w.x1; ix++) {
                sums[c] += x[(iy * p->width + ix) * p->channels + c];
            }
        }
    }
}

/* The quotient of two integers below 2**24 in float never rounds up to the next integer, so
 * truncating it is exact; larger sums are divided as integers. */
static void store_averages(const qh_pool *p, const int32_t *sums, int32_t count, int8_t *y)
{
    const int32_t half = count / 2;
    if (count >= 1 << 16) {
        for (ptrdiff_t c = 0; c < p->channels; c++) {
            const int32_t sum = sums[c] + (sums[c] > 0 ? half : -half);
            y[c] = (int8_t)qh_clamp(sum / count, p->low, p->high);
        }
        return;
    }
    for (ptrdiff_t c = 0; c < p->channels; c++) {
        const int32_t sum = sums[c] + (sums[c] > 0 ? half : -half);
        int32_t average = (int32_t)((float)sum / (float)count);
        average = average < p->low ? p->low : average;
        y[c] = (int8_t)(average > p->high ? p->high : average);
    }
}

static inline void average_pool(const qh_pool *p, const int8_t *x, int8_t *y, void *scratch,
                                ptrdiff_t batch)
{
    int32_t *sums = scratch;
    for (ptrdiff_t image = 0; image < batch * p->images; image++) {
        for (ptrdiff_t row = 0; row < p->rows; row++) {
            for (ptrdiff_t column = 0; column < p->columns; column++) {
                const pool_window w = window_at(p, row, column);
                sum_window(p, w, x, sums);
                store_averages(p, sums, (int32_t)((w.y1 - w.y0) * (w.x1 - w.x0)), y);
                y += p->channels;
            }
        }
        x += p->height * p->width * p->channels;
    }
}

static inline void max_pool(const qh_pool *p, const int8_t *x, int8_t *y, ptrdiff_t batch)
{
    const ptrdiff_t channels = p->channels;
    const int8_t low = (int8_t)p->low, high = (int8_t)p->high;
    for (ptrdiff_t image = 0; image < batch * p->images; image++) {
        for (ptrdiff_t row = 0; row < p->rows; row++) {
            for (ptrdiff_t column = 0; column < p->columns; column++) {
                const pool_window w = window_at(p, row, column);
                memset(y, low, (size_t)channels);
                for (ptrdiff_t iy = w.y0; iy < w.y1; iy++) {
                    for (ptrdiff_t ix = w.x0; ix < w.x1; ix++) {
                        const int8_t *restrict pixel = x + (iy * p->width + ix) * channels;
                        for (ptrdiff_t c = 0; c < channels; c++) {
                            y[c] = y[c] > pixel[c] ? y[c] : pixel[c];
                        }
                    }
                }
                for (ptrdiff_t c = 0; c < channels; c++) {
                    y[c] = y[c] < high ? y[c] : high;
                }
                y += channels;
            }
        }
        x += p->height * p->width * channels;
    }
}

/* Kernels in plain C that compilers vectorize for whatever instruction set includes them. */

static inline void stage_values(staged *to, const int8_t *from, ptrdiff_t count)
{
    for (ptrdiff_t i = 0; i < count; i++) {
        to[i] = (staged)(from[i] + STAGED_OFFSET);
    }
}

static inline void fill_values(staged *to, staged value, ptrdiff_t count)
{
    for (ptrdiff_t i = 0; i < count; i++) {
        to[i] = value;
    }
}

/* One row: its columns by phase, its channels repeated. */
static void stage_row(const qh_staging *s, staged *to, const int8_t *from)
{
    const staged padding = (staged)(s->zero_point + STAGED_OFFSET);
    const ptrdiff_t width = s->left + s->width + s->right;
    if (s->repeat == 1 && s->phases == 1) {
        fill_values(to, padding, s->left * s->channels);
        stage_values(to + s->left * s->channels, from, s->width * s->channels);
        fill_values(to + (s->left + s->width) * s->channels, padding, s->right * s->channels);
        return;
    }
    for (ptrdiff_t phase = 0; phase < s->phases; phase++) {
        for (ptrdiff_t column = phase; column < width; column += s->phases) {
            const ptrdiff_t x = column - s->left;
            if (x < 0 || x >= s->width) {
                fill_values(to, padding, s->channels * s->repeat);
            } else if (s->repeat == 1) {
                stage_values(to, from + x * s->channels, s->channels);
            } else {
                for (ptrdiff_t c = 0; c < s->channels; c++) {
                    fill_values(to + c * s->repeat,
                                (staged)(from[x * s->channels + c] + STAGED_OFFSET), s->repeat);
                }
            }
            to += s->channels * s->repeat;
        }
    }
}

static void stage_image(const qh_staging *s, staged *to, const int8_t *from)
{
    const staged padding = (staged)(s->zero_point + STAGED_OFFSET);
    const ptrdiff_t pitch = (s->left + s->width + s->right) * s->channels * s->repeat;
    fill_values(to, padding, s->top * pitch);
    to += s->top * pitch;
    for (ptrdiff_t row = 0; row < s->height; row++) {
        stage_row(s, to, from);
        to += pitch;
        from += s->width * s->channels;
    }
    fill_values(to, padding, s->bottom * pitch);
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

/* Sums of up to 255 pixels fit in 16 bits; then they move to 32. */
static void sum_window(const qh_pool *p, pool_window w, const int8_t *x, int16_t *some,
                       int32_t *sums)
{
    const ptrdiff_t channels = p->channels;
    int pending = 0;
    memset(some, 0, (size_t)channels * sizeof *some);
    memset(sums, 0, (size_t)channels * sizeof *sums);
    for (ptrdiff_t iy = w.y0; iy < w.y1; iy++) {
        for (ptrdiff_t ix = w.x0; ix < w.x1; ix++) {
            const int8_t *pixel = x + (iy * p->width + ix) * channels;
            for (ptrdiff_t c = 0; c < channels; c++) {
                some[c] = (int16_t)(some[c] + pixel[c]);
            }
            if (++pending == 255) {
                for (ptrdiff_t c = 0; c < channels; c++) {
                    sums[c] += some[c];
                    some[c] = 0;
                }
                pending = 0;
            }
        }
    }
    for (ptrdiff_t c = 0; c < channels; c++) {
        sums[c] += some[c];
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
    int16_t *some = (int16_t *)(sums + p->channels);
    for (ptrdiff_t image = 0; image < batch * p->images; image++) {
        for (ptrdiff_t row = 0; row < p->rows; row++) {
            for (ptrdiff_t column = 0; column < p->columns; column++) {
                const pool_window w = window_at(p, row, column);
                sum_window(p, w, x, some, sums);
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

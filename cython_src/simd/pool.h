/* Pooling of int8 activations, in plain C that compilers vectorize for whatever instruction set
 * includes it. */

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

/* Their words fill a vector: compilers widen nothing longer than that well. */
enum { SOME = 2 * LANES };
typedef int8_t some_bytes __attribute__((vector_size(SOME), aligned(1)));
typedef int16_t some_words __attribute__((vector_size(2 * SOME)));
typedef int32_t some_sums __attribute__((vector_size(4 * SOME)));

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

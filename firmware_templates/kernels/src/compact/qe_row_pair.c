/* Two rows at once with all filters, four at a time: for cores with registers for eight sums.
 * docs/kernels-compact.md */
#include "qe_compact.h"

#define ROWS 2

/* Four taps of both rows. */
typedef struct {
    int32_t x0, x1, x2, x3, y0, y1, y2, y3;
} taps;

static inline void add_products(int32_t sums[ROWS], const int8_t *w, const taps *of)
{
    const int32_t w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3];
    sums[0] += of->x0 * w0 + of->x1 * w1 + of->x2 * w2 + of->x3 * w3;
    sums[1] += of->y0 * w0 + of->y1 * w1 + of->y2 * w2 + of->y3 * w3;
}

static void sum_block(int32_t count, const int8_t *x, const int8_t *w, int32_t sums[QE_BLOCK][ROWS])
{
    int32_t a[ROWS] = {0, 0}, b[ROWS] = {0, 0}, c[ROWS] = {0, 0}, d[ROWS] = {0, 0};
    const int8_t *y = x + count;
    for (const int8_t *end = y; x < end; x += 4, y += 4, w += 4 * QE_BLOCK) {
        const taps of = {x[0], x[1], x[2], x[3], y[0], y[1], y[2], y[3]};
        add_products(a, w, &of);
        add_products(b, w + 4, &of);
        add_products(c, w + 8, &of);
        add_products(d, w + 12, &of);
    }
    for (int32_t row = 0; row < ROWS; ++row) {
        sums[0][row] = a[row];
        sums[1][row] = b[row];
        sums[2][row] = c[row];
        sums[3][row] = d[row];
    }
}

void qe_compact_row_pair(const qe_compact_filters *filters, const int8_t *x, int8_t *output)
{
    const qe_compact_filters by = *filters;
    const int8_t *weights = by.weights;
    const int32_t *multiplier = by.multiplier;
    const uint8_t *shift = by.shift;
    for (int32_t first = 0; first < by.outputs; first += QE_BLOCK) {
        int32_t sums[QE_BLOCK][ROWS];
        const int32_t left = by.outputs - first;
        sum_block(by.taps, x, weights, sums);
        for (int32_t i = 0; i < QE_BLOCK && i < left; ++i, ++output) {
            const int32_t bias = qe_compact_bias(&by, first + i);
            output[0] = qe_compact_finish(&by, bias + sums[i][0], *multiplier, *shift);
            output[by.outputs] = qe_compact_finish(&by, bias + sums[i][1], *multiplier, *shift);
            multiplier += by.channel_step;
            shift += by.channel_step;
        }
        weights += QE_BLOCK * by.taps;
    }
}

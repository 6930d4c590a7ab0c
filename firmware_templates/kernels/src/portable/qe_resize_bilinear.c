/* Bilinear resizing. Interface: qe_resize_bilinear.h. */
#include "qe_resize_bilinear.h"

#include "qe_elements.h"

#define ONE 1024
#define SQUARE_BITS 20 /* ONE * ONE */

/* The four pixels around a place, as indices of their first values, and their weights. */
typedef struct {
    int32_t above_left, above_right, below_left, below_right;
    int32_t down, right; /* in 1/1024 */
} corners;

static int32_t round_s8(int32_t total, int32_t away)
{
    const int32_t half = INT32_C(1) << (SQUARE_BITS - 1);
    if (away != 0 && total < 0) {
        return -((half - total) >> SQUARE_BITS);
    }
    return (total + half) >> SQUARE_BITS;
}

static int32_t round_s16(int64_t total, int32_t away)
{
    const int64_t half = INT64_C(1) << (SQUARE_BITS - 1);
    if (away != 0 && total < 0) {
        return -(int32_t)((half - total) >> SQUARE_BITS);
    }
    return (int32_t)((total + half) >> SQUARE_BITS);
}

QE_TEMPLATE int32_t interpolate(const corners *at, const void *input, int32_t c, int32_t away,
                                int32_t bytes)
{
    const int32_t left = qe_load(input, at->above_left + c, bytes) * (ONE - at->down) +
                         qe_load(input, at->below_left + c, bytes) * at->down;
    const int32_t right = qe_load(input, at->above_right + c, bytes) * (ONE - at->down) +
                          qe_load(input, at->below_right + c, bytes) * at->down;
    if (bytes == 1) {
        return round_s8(left * (ONE - at->right) + right * at->right, away);
    }
    return round_s16((int64_t)left * (ONE - at->right) + (int64_t)right * at->right, away);
}

static corners corners_at(const qe_resize_bilinear_params *p, int32_t image, int32_t y, int32_t x)
{
    const int32_t above = image + p->rows.low[y] * p->input.w * p->channels;
    const int32_t below = image + p->rows.high[y] * p->input.w * p->channels;
    const int32_t left = p->columns.low[x] * p->channels;
    const int32_t right = p->columns.high[x] * p->channels;
    const corners at = {above + left,  above + right,       below + left,
                        below + right, p->rows.fraction[y], p->columns.fraction[x]};
    return at;
}

QE_TEMPLATE void resize(const qe_resize_bilinear_params *p, const void *input, void *output,
                        int32_t bytes)
{
    int32_t image = 0;
    int32_t y_at = 0;
    for (int32_t n = 0; n < p->batch; ++n) {
        for (int32_t y = 0; y < p->output.h; ++y) {
            for (int32_t x = 0; x < p->output.w; ++x) {
                const corners at = corners_at(p, image, y, x);
                for (int32_t c = 0; c < p->channels; ++c) {
                    qe_store(output, y_at++, interpolate(&at, input, c, p->away, bytes), bytes);
                }
            }
        }
        image += p->input.h * p->input.w * p->channels;
    }
}

void qe_resize_bilinear_s8(const qe_resize_bilinear_params *params, const int8_t *input,
                           int8_t *output)
{
    resize(params, input, output, 1);
}

void qe_resize_bilinear_s16(const qe_resize_bilinear_params *params, const int16_t *input,
                            int16_t *output)
{
    resize(params, input, output, 2);
}

/* Padding. Interface: qe_pad.h. */
#include "qe_pad.h"

#include "qe_elements.h"

QE_TEMPLATE int32_t fill(void *output, int32_t at, int32_t count, int32_t value, int32_t bytes)
{
    for (int32_t i = 0; i < count; ++i) {
        qe_store(output, at + i, value, bytes);
    }
    return at + count;
}

/* Whether the output row at `index` holds a row of the input. */
static int32_t is_inside(const qe_pad_params *p, const int32_t *index)
{
    for (int32_t axis = 0; axis < p->rank; ++axis) {
        const int32_t position = index[axis] - p->before[axis];
        if (position < 0 || position >= p->sizes[axis]) {
            return 0;
        }
    }
    return 1;
}

QE_TEMPLATE void pad(const qe_pad_params *p, const void *input, void *output, int32_t bytes)
{
    const qe_walk rows = {p->rank, p->extents, 0, 0, 0};
    const int32_t output_row = p->row_before + p->row + p->row_after;
    int32_t index[QE_WALK_MAX_RANK] = {0};
    int32_t x_at = 0;
    int32_t y_at = 0;
    do {
        if (is_inside(p, index) != 0) {
            y_at = fill(output, y_at, p->row_before, p->value, bytes);
            for (int32_t i = 0; i < p->row; ++i) {
                qe_store(output, y_at++, qe_load(input, x_at++, bytes), bytes);
            }
            y_at = fill(output, y_at, p->row_after, p->value, bytes);
        } else {
            y_at = fill(output, y_at, output_row, p->value, bytes);
        }
    } while (qe_walk_next(&rows, index) >= 0);
}

void qe_pad_s8(const qe_pad_params *params, const int8_t *input, int8_t *output)
{
    pad(params, input, output, 1);
}

void qe_pad_s16(const qe_pad_params *params, const int16_t *input, int16_t *output)
{
    pad(params, input, output, 2);
}

void qe_pad_s32(const qe_pad_params *params, const int32_t *input, int32_t *output)
{
    pad(params, input, output, 4);
}

/* Padding by reflection. Interface: qe_mirror_pad.h. */
#include "qe_mirror_pad.h"

#include <string.h>

/* Index of the input element that the output shows at `index`. */
static int32_t reflected(const qe_mirror_pad_params *p, const int32_t *index)
{
    int32_t at = 0;
    for (int32_t axis = 0; axis < p->rank; ++axis) {
        int32_t position = index[axis] - p->before[axis];
        if (position < 0) {
            position = -position - p->repeat_edge;
        }
        if (position >= p->sizes[axis]) {
            position = 2 * (p->sizes[axis] - 1) - position + p->repeat_edge;
        }
        at += position * p->strides[axis];
    }
    return at;
}

void qe_mirror_pad(const qe_mirror_pad_params *params, const void *input, void *output)
{
    const qe_mirror_pad_params *p = params;
    const qe_walk positions = {p->rank, p->extents, 0, 0, 0};
    int32_t index[QE_WALK_MAX_RANK] = {0};
    uint8_t *y = (uint8_t *)output;
    do {
        const uint8_t *x = (const uint8_t *)input + reflected(p, index) * p->element_bytes;
        memcpy(y, x, (size_t)p->element_bytes);
        y += p->element_bytes;
    } while (qe_walk_next(&positions, index) >= 0);
}

/* Strided copies. Interface: qe_copy.h. */
#include "qe_copy.h"

#include <string.h>

/* Copy one run; returns where the next one goes. */
static uint8_t *copy_run(const qe_walk *walk, int32_t bytes, const uint8_t *x, uint8_t *y)
{
    if (walk->run_stride == 1) {
        const int32_t size = walk->run * bytes;
        memcpy(y, x, (size_t)size);
        return y + size;
    }
    for (int32_t i = 0; i < walk->run; ++i) {
        const uint8_t *value = x + i * walk->run_stride * bytes;
        for (int32_t b = 0; b < bytes; ++b) {
            *y++ = value[b];
        }
    }
    return y;
}

void qe_copy_walk(const qe_walk *walk, int32_t element_bytes, const void *input, void *output)
{
    const uint8_t *x = (const uint8_t *)input;
    uint8_t *y = (uint8_t *)output;
    int32_t index[QE_WALK_MAX_RANK] = {0};
    int32_t at = 0;
    int32_t axis;
    do {
        y = copy_run(walk, element_bytes, x + at * element_bytes, y);
        axis = qe_walk_next(walk, index);
        at += (axis >= 0) ? walk->steps[axis] : 0;
    } while (axis >= 0);
}

/* Gathering by an input. Interface: qe_gather_at.h. */
#include "qe_gather_at.h"

#include <string.h>

#include "qe_fixedpoint.h"

void qe_gather_at(const qe_gather_at_params *params, const void *input, const int32_t *positions,
                  void *output)
{
    const qe_gather_at_params *p = params;
    const uint8_t *x = (const uint8_t *)input;
    uint8_t *y = (uint8_t *)output;
    for (int32_t batch = 0; batch < p->batches; ++batch) {
        for (int32_t i = 0; i < p->repeats; ++i) {
            for (int32_t k = 0; k < p->count; ++k) {
                const int32_t at = qe_clamp(positions[k], 0, p->size - 1);
                memcpy(y, x + at * p->slice_bytes, (size_t)p->slice_bytes);
                y += p->slice_bytes;
            }
            x += p->size * p->slice_bytes;
        }
        positions += p->count;
    }
}

/* Gathering. Interface: qe_gather.h. */
#include "qe_gather.h"

#include <string.h>

void qe_gather(const qe_gather_params *params, const void *input, void *output)
{
    const uint8_t *x = (const uint8_t *)input;
    uint8_t *y = (uint8_t *)output;
    for (int32_t i = 0; i < params->repeats; ++i) {
        for (int32_t k = 0; k < params->count; ++k) {
            memcpy(y, x + params->positions[k] * params->slice_bytes, (size_t)params->slice_bytes);
            y += params->slice_bytes;
        }
        x += params->size * params->slice_bytes;
    }
}

/* Concatenation. Interface: qe_concatenation.h. */
#include "qe_concatenation.h"

#include <string.h>

void qe_concatenation(const qe_concatenation_params *params, const void *const *inputs,
                      void *output)
{
    uint8_t *y = (uint8_t *)output;
    for (int32_t i = 0; i < params->repeats; ++i) {
        for (int32_t k = 0; k < params->input_count; ++k) {
            const int32_t bytes = params->run_bytes[k];
            memcpy(y, (const uint8_t *)inputs[k] + i * bytes, (size_t)bytes);
            y += bytes;
        }
    }
}

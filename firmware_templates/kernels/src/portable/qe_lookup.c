/* Functions of one value. Interface: qe_lookup.h. */
#include "qe_lookup.h"

void qe_lookup_s8(const qe_lookup_params *params, const int8_t *input, int8_t *output)
{
    const int8_t *middle = params->table + 128;
    for (int32_t i = 0; i < params->count; ++i) {
        output[i] = middle[input[i]];
    }
}

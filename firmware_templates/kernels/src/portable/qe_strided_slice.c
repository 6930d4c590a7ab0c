/* Slicing. Interface: qe_strided_slice.h. */
#include "qe_strided_slice.h"

void qe_strided_slice(const qe_strided_slice_params *params, const void *input, void *output)
{
    const uint8_t *start = (const uint8_t *)input + params->first * params->element_bytes;
    qe_copy_walk(&params->walk, params->element_bytes, start, output);
}

/* Transposition. Interface: qe_transpose.h. */
#include "qe_transpose.h"

void qe_transpose(const qe_transpose_params *params, const void *input, void *output)
{
    qe_copy_walk(&params->walk, params->element_bytes, input, output);
}

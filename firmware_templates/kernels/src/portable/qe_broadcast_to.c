/* Repetition. Interface: qe_broadcast_to.h. */
#include "qe_broadcast_to.h"

void qe_broadcast_to(const qe_broadcast_to_params *params, const void *input, void *output)
{
    qe_copy_walk(&params->walk, params->element_bytes, input, output);
}

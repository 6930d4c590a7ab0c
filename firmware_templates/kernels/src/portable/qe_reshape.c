/* Reshaping. Interface: qe_reshape.h. */
#include "qe_reshape.h"

#include <string.h>

void qe_reshape(const qe_reshape_params *params, const void *input, void *output)
{
    if (output != input) {
        memcpy(output, input, (size_t)params->bytes);
    }
}

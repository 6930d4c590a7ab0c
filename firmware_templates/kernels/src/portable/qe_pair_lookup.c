/* Functions of two values. Interface: qe_pair_lookup.h. */
#include "qe_pair_lookup.h"

static int32_t look_up(const void *params, int32_t x1, int32_t x2)
{
    const qe_pair_lookup_params *p = (const qe_pair_lookup_params *)params;
    return p->table[(x1 + 128) * 256 + x2 + 128];
}

void qe_pair_lookup_s8(const qe_pair_lookup_params *params, const int8_t *input1,
                       const int8_t *input2, int8_t *output)
{
    qe_apply(look_up, params, &params->inputs, input1, input2, output, 1, 1);
}

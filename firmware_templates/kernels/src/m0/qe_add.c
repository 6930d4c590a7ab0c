/* ADD for cores without DSP instructions: of three long products an element, tables save two. */
#include "qe_add_m0.h"

#define VALUES 256

/* The scaled value of every byte. */
static void fill_table(int32_t *table, const qe_add_m0_input *by, int32_t left_shift)
{
    for (int32_t x = INT8_MIN; x <= INT8_MAX; x++) {
        const int32_t raised = (x - by->zero_point) * (1 << left_shift);
        table[x - INT8_MIN] = qe_requantize_double(raised, by->multiplier, by->shift);
    }
}

void qe_add_m0(const qe_add_m0_params *params, const int8_t *input1, const int8_t *input2,
               int8_t *output, void *scratch)
{
    const qe_add_m0_params local = *params; /* stores to output cannot change it */
    int32_t *table1 = scratch;
    int32_t *table2 = table1 + VALUES;
    const int8_t *end = output + local.count;
    fill_table(table1, &local.input1, local.left_shift);
    fill_table(table2, &local.input2, local.left_shift);
    while (output != end) {
        const int32_t sum = table1[*input1++ - INT8_MIN] + table2[*input2++ - INT8_MIN];
        const int32_t y = qe_requantize_double(sum, local.multiplier, local.shift);
        *output++ = (int8_t)qe_clamp(y + local.zero_point, local.minimum, local.maximum);
    }
}

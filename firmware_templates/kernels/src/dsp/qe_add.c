/* ADD for the Cortex-M DSP extension. docs/kernels-cortex-m4.md derives the arithmetic. */
#include "qe_add_dsp.h"

/* Twice the scaled x and w, added, then scaled. Rounding ties go away from zero: where a sum is
 * negative one less is added before the shift. */
static inline int8_t add_one(const qe_add_dsp_params *params, int32_t x, int32_t w)
{
    const int32_t raised_w = params->w_offset + w * (1 << params->w_left_shift);
    const int32_t scaled_w =
        qe_smmlar(raised_w, params->w_multiplier, params->w_half + (raised_w >> 31)) >>
        params->w_shift;
    const int32_t sum2 = params->x_offset + x * (1 << params->left_shift) + 2 * scaled_w;
    const int32_t y = qe_smmlar(sum2, params->multiplier, params->offset + (sum2 >> 31));
    return (int8_t)qe_ssat8(y >> params->shift);
}

void qe_add_dsp(const qe_add_dsp_params *params, const int8_t *input1, const int8_t *input2,
                int8_t *output)
{
    const qe_add_dsp_params local = *params; /* stores to output cannot change it */
    const int8_t *x = params->x_is_second ? input2 : input1;
    const int8_t *w = params->x_is_second ? input1 : input2;
    int8_t *to = output;
    int32_t left = params->count;
    for (; left >= 4; left -= 4) {
        to[0] = add_one(&local, x[0], w[0]);
        to[1] = add_one(&local, x[1], w[1]);
        to[2] = add_one(&local, x[2], w[2]);
        to[3] = add_one(&local, x[3], w[3]);
        to += 4;
        x += 4;
        w += 4;
    }
    for (; left > 0; left--) {
        *to++ = add_one(&local, *x++, *w++);
    }
    if (qe_dsp_needs_clamp(&params->quantization)) {
        qe_dsp_clamp_run(&params->quantization, output, params->count);
    }
}

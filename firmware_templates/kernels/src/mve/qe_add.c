/* ADD for Helium: the definition, four elements at a time. */
#include "qe_add_mve.h"

#if QE_HAS_MVE

/* Rounded twice: see qe_mve_scale. */
static inline int32x4_t scale(int32x4_t x, int32_t multiplier, int32_t shift)
{
    int32x4_t y = vqrdmulhq_n_s32(x, multiplier);
    if (shift != 0) {
        y = vaddq_s32(y, vshrq_n_s32(y, 31));
    }
    return vrshlq_n_s32(y, shift);
}

static inline int32x4_t raise_and_scale(int32x4_t x, const qe_add_mve_input *by, int32_t left_shift)
{
    x = vshlq_r_s32(vsubq_n_s32(x, by->zero_point), left_shift);
    return scale(x, by->multiplier, by->shift);
}

void qe_add_mve(const qe_add_mve_params *params, const int8_t *input1, const int8_t *input2,
                int8_t *output)
{
    const qe_add_mve_params local = *params; /* stores to output cannot change it */
    for (int32_t left = params->count; left > 0; left -= 4) {
        const mve_pred16_t lanes = vctp32q((uint32_t)left);
        const int32x4_t x1 =
            raise_and_scale(vldrbq_z_s32(input1, lanes), &local.input1, local.left_shift);
        const int32x4_t x2 =
            raise_and_scale(vldrbq_z_s32(input2, lanes), &local.input2, local.left_shift);
        int32x4_t y = scale(vaddq_s32(x1, x2), local.multiplier, local.shift);
        y = vaddq_n_s32(y, local.quantization.zero_point);
        vstrbq_p_s32(output, qe_mve_clamp(y, &local.quantization), lanes);
        input1 += 4;
        input2 += 4;
        output += 4;
    }
}

#endif

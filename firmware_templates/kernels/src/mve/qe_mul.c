/* MUL for Helium: the definition, four elements at a time. */
#include "qe_mul_mve.h"

#if QE_HAS_MVE

void qe_mul_mve(const qe_mul_mve_params *params, const int8_t *input1, const int8_t *input2,
                int8_t *output)
{
    const qe_mul_mve_params local = *params; /* stores to output cannot change it */
    int8_t *to = output;
    for (int32_t left = local.count; left > 0; left -= 4) {
        const mve_pred16_t lanes = vctp32q((uint32_t)left);
        const int32x4_t x1 = vsubq_n_s32(vldrbq_z_s32(input1, lanes), local.zero_point1);
        const int32x4_t x2 = vsubq_n_s32(vldrbq_z_s32(input2, lanes), local.zero_point2);
        int32x4_t y = vqrdmulhq_n_s32(vmulq_s32(x1, x2), local.multiplier);
        y = vrshlq_n_s32(qe_mve_ties_away(y, vdupq_n_s32(local.shift)), local.shift);
        vstrbq_p_s32(to, qe_mve_to_bytes(y, local.quantization.zero_point), lanes);
        input1 += 4;
        input2 += 4;
        to += 4;
    }
    qe_mve_clamp(output, local.count, &params->quantization);
}

#endif

/* ADD for Helium. docs/kernels-cortex-m55.md explains it. */
#include "qe_add_mve.h"

#if QE_HAS_MVE

/* Nine instructions for four elements. */
void qe_add_plane_mve(const qe_add_plane_mve_params *params, const int8_t *input1,
                      const int8_t *input2, int8_t *output)
{
    const int32x4_t multiplier1 = vdupq_n_s32(params->multiplier1);
    int8_t *to = output;
    int32x4_t x1, x2;
    __asm__ volatile("    wlstp.32 lr, %[count], 2f\n"
                     "1:  vldrb.s32 %q[x1], [%[input1]], #4\n"
                     "    vldrb.s32 %q[x2], [%[input2]], #4\n"
                     "    vmlas.s32 %q[x1], %q[multiplier1], %[offset]\n"
                     "    vmla.s32 %q[x1], %q[x2], %[multiplier2]\n"
                     "    vqrdmulh.s32 %q[x1], %q[x1], %[scale]\n"
                     "    vqmovnb.s32 %q[x1], %q[x1]\n"
                     "    vqmovnb.s16 %q[x1], %q[x1]\n"
                     "    vstrb.32 %q[x1], [%[to]], #4\n"
                     "    letp lr, 1b\n"
                     "2:\n"
                     : [input1] "+l"(input1), [input2] "+l"(input2), [to] "+l"(to), [x1] "=&w"(x1),
                       [x2] "=&w"(x2)
                     : [count] "r"(params->count), [multiplier1] "w"(multiplier1),
                       [multiplier2] "r"(params->multiplier2), [offset] "r"(params->offset),
                       [scale] "r"(params->scale)
                     : "lr", "memory");
    qe_mve_clamp(output, params->count, &params->quantization);
}

static inline int32x4_t scale(int32x4_t x, int32_t multiplier, int32_t shift)
{
    const int32x4_t y = qe_mve_ties_away(vqrdmulhq_n_s32(x, multiplier), vdupq_n_s32(shift));
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
    int8_t *to = output;
    for (int32_t left = params->count; left > 0; left -= 4) {
        const mve_pred16_t lanes = vctp32q((uint32_t)left);
        const int32x4_t x1 =
            raise_and_scale(vldrbq_z_s32(input1, lanes), &local.input1, local.left_shift);
        const int32x4_t x2 =
            raise_and_scale(vldrbq_z_s32(input2, lanes), &local.input2, local.left_shift);
        const int32x4_t y = scale(vaddq_s32(x1, x2), local.multiplier, local.shift);
        vstrbq_p_s32(to, qe_mve_to_bytes(y, local.quantization.zero_point), lanes);
        input1 += 4;
        input2 += 4;
        to += 4;
    }
    qe_mve_clamp(output, params->count, &params->quantization);
}

#endif

/**
 * @file qe_mve.h
 * @brief What the Helium kernels share: requantization of four sums. docs/kernels-cortex-m55.md.
 */
#ifndef QE_MVE_H
#define QE_MVE_H

#include <stdint.h>
#include <string.h>

#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1)
#define QE_HAS_MVE 1
#include <arm_mve.h>
#else
#define QE_HAS_MVE 0
#endif

/** How a layer's sums become its output. */
typedef struct {
    int32_t zero_point;
    int32_t minimum, maximum;
    int32_t signed_ties; /**< 0: everything below the zero point is clamped to it. */
} qe_mve_output;

#if QE_HAS_MVE

/** Bytes past the last one are left alone. */
static inline void qe_mve_copy(int8_t *to, const int8_t *from, int32_t count)
{
    for (; count > 0; count -= 16, to += 16, from += 16) {
        const mve_pred16_t lanes = vctp8q((uint32_t)count);
        vstrbq_p_s8(to, vldrbq_z_s8(from, lanes), lanes);
    }
}

/** Four numbers as a vector, two of them an instruction: gcc 12 moves them one by one. */
static inline int32x4_t qe_mve_pack(int32_t x0, int32_t x1, int32_t x2, int32_t x3)
{
    int32x4_t vector;
    __asm__("vmov %q0[2], %q0[0], %1, %2\n\tvmov %q0[3], %q0[1], %3, %4"
            : "=&w"(vector)
            : "r"(x0), "r"(x2), "r"(x1), "r"(x3));
    return vector;
}

/**
 * @brief Scale four sums and add the zero point; not clamped yet.
 *
 * VQRDMULH is the first rounding. VRSHL rounds ties up; those of negative numbers go down if one is
 * subtracted first, which must not happen where nothing is shifted.
 *
 * @param shift  Minus the right shift, <= 0.
 */
static inline int32x4_t qe_mve_scale(int32x4_t sum, int32x4_t multiplier, int32x4_t shift,
                                     const qe_mve_output *output)
{
    int32x4_t y = vqrdmulhq_s32(sum, multiplier);
    if (output->signed_ties) {
        y = vaddq_s32(y, vshrq_n_s32(vandq_s32(y, shift), 31));
    }
    return vaddq_n_s32(vrshlq_s32(y, shift), output->zero_point);
}

/** Four bytes, or as many as are left. */
static inline void qe_mve_store(int8_t *to, int32x4_t y, int32_t left)
{
    if (left >= 4) {
        vstrbq_s32(to, y);
    } else {
        vstrbq_p_s32(to, y, vctp32q((uint32_t)left));
    }
}

static inline int32x4_t qe_mve_clamp(int32x4_t y, const qe_mve_output *output)
{
    return vminq_s32(vmaxq_s32(y, vdupq_n_s32(output->minimum)), vdupq_n_s32(output->maximum));
}

#endif

#endif /* QE_MVE_H */

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

/** Three instructions for 16 bytes; those past the last one are left alone. */
static inline void qe_mve_copy(int8_t *to, const int8_t *from, int32_t count)
{
    int8x16_t bytes;
    __asm__ volatile("    wlstp.8 lr, %[count], 2f\n"
                     "1:  vldrb.8 %q[bytes], [%[from]], #16\n"
                     "    vstrb.8 %q[bytes], [%[to]], #16\n"
                     "    letp lr, 1b\n"
                     "2:\n"
                     : [from] "+r"(from), [to] "+r"(to), [bytes] "=&w"(bytes)
                     : [count] "r"(count)
                     : "lr", "memory");
}

/** Lanes 0 and 2 of a vector, one instruction: gcc 12 moves them one by one. */
static inline int32x4_t qe_mve_set_even(int32_t x0, int32_t x2)
{
    int32x4_t vector;
    __asm__("vmov %q0[2], %q0[0], %1, %2" : "=w"(vector) : "r"(x0), "r"(x2));
    return vector;
}

/** Lanes 1 and 3. */
static inline int32x4_t qe_mve_set_odd(int32x4_t vector, int32_t x1, int32_t x3)
{
    __asm__("vmov %q0[3], %q0[1], %1, %2" : "+w"(vector) : "r"(x1), "r"(x3));
    return vector;
}

/**
 * @brief Make VRSHL round ties of negative numbers down: it rounds all of them up.
 *
 * One is subtracted first, which must not happen where nothing is shifted.
 *
 * @param shift  Minus the right shift, <= 0.
 */
static inline int32x4_t qe_mve_ties_away(int32x4_t y, int32x4_t shift)
{
    return vaddq_s32(y, vshrq_n_s32(vandq_s32(y, shift), 31));
}

/** Saturate four numbers, add the zero point and saturate: each in the lowest byte of its lane. */
static inline int32x4_t qe_mve_to_bytes(int32x4_t y, int32_t zero_point)
{
    int16x8_t halves = vqmovnbq_s32(vreinterpretq_s16_s32(y), y);
    halves = vqaddq_n_s16(halves, (int16_t)zero_point);
    return vreinterpretq_s32_s8(vqmovnbq_s16(vreinterpretq_s8_s16(halves), halves));
}

/** Twice four numbers: the second ones in bits 16 to 23. */
static inline int32x4_t qe_mve_to_byte_pairs(int32x4_t y0, int32x4_t y1, int32_t zero_point)
{
    int16x8_t halves = vqmovnbq_s32(vreinterpretq_s16_s32(y0), y0);
    halves = vqaddq_n_s16(vqmovntq_s32(halves, y1), (int16_t)zero_point);
    return vreinterpretq_s32_s8(vqmovnbq_s16(vreinterpretq_s8_s16(halves), halves));
}

/** Clamp outputs that have been saturated so far. */
static inline void qe_mve_clamp(int8_t *values, int32_t count, const qe_mve_output *output)
{
    if (output->minimum == INT8_MIN && output->maximum == INT8_MAX) {
        return;
    }
    const int8x16_t minimum = vdupq_n_s8((int8_t)output->minimum);
    const int8x16_t maximum = vdupq_n_s8((int8_t)output->maximum);
    for (; count > 0; count -= 16, values += 16) {
        const mve_pred16_t lanes = vctp8q((uint32_t)count);
        const int8x16_t y = vminq_s8(vmaxq_s8(vldrbq_z_s8(values, lanes), minimum), maximum);
        vstrbq_p_s8(values, y, lanes);
    }
}

#endif

#endif /* QE_MVE_H */

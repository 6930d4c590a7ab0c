/**
 * @file qe_dsp.h
 * @brief The instructions of the Cortex-M DSP extension that the `dsp` kernels use.
 *
 * On a core that has them each function is one instruction; elsewhere it is the same arithmetic in
 * C, so that the kernels run, and can be sanitized, on the desk. A word is two signed halfwords or
 * four signed bytes, the lowest first.
 */
#ifndef QE_DSP_H
#define QE_DSP_H

#include <stdint.h>
#include <string.h>

#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
#define QE_HAS_DSP 1
#else
#define QE_HAS_DSP 0
#endif

/** Right shifts of negative numbers are arithmetic. */
typedef char qe_dsp_assert_arithmetic_shift[((-1 >> 1) == -1) ? 1 : -1];

/** Four bytes in memory order, the first one lowest. No alignment needed. */
static inline uint32_t qe_load4(const int8_t *bytes)
{
#if QE_HAS_DSP
    uint32_t word;
    memcpy(&word, bytes, 4);
    return word;
#else
    return (uint32_t)(uint8_t)bytes[0] | (uint32_t)(uint8_t)bytes[1] << 8 |
           (uint32_t)(uint8_t)bytes[2] << 16 | (uint32_t)(uint8_t)bytes[3] << 24;
#endif
}

/** Copy bytes. Inline and by words: a call of memcpy costs more than the runs that kernels copy. */
static inline void qe_copy(int8_t *to, const int8_t *from, int32_t count)
{
    const int8_t *end = from + count;
    const int8_t *words_end = from + (count & ~3);
    for (; from != words_end; from += 4, to += 4) {
        memcpy(to, from, 4);
    }
    for (; from != end; from++, to++) {
        *to = *from;
    }
}

/* Not from arm_acle.h: half of them are missing in gcc 12, and its others order the Q flag. */
#if QE_HAS_DSP

static inline int32_t qe_smlad(uint32_t x, uint32_t y, int32_t acc)
{
    int32_t result;
    __asm__("smlad %0, %1, %2, %3" : "=r"(result) : "r"(x), "r"(y), "r"(acc));
    return result;
}

static inline int32_t qe_smlabb(uint32_t x, uint32_t y, int32_t acc)
{
    int32_t result;
    __asm__("smlabb %0, %1, %2, %3" : "=r"(result) : "r"(x), "r"(y), "r"(acc));
    return result;
}

static inline int32_t qe_smlabt(uint32_t x, uint32_t y, int32_t acc)
{
    int32_t result;
    __asm__("smlabt %0, %1, %2, %3" : "=r"(result) : "r"(x), "r"(y), "r"(acc));
    return result;
}

static inline int32_t qe_smlatb(uint32_t x, uint32_t y, int32_t acc)
{
    int32_t result;
    __asm__("smlatb %0, %1, %2, %3" : "=r"(result) : "r"(x), "r"(y), "r"(acc));
    return result;
}

static inline int32_t qe_smlatt(uint32_t x, uint32_t y, int32_t acc)
{
    int32_t result;
    __asm__("smlatt %0, %1, %2, %3" : "=r"(result) : "r"(x), "r"(y), "r"(acc));
    return result;
}

static inline uint32_t qe_sxtb16(uint32_t x)
{
    uint32_t result;
    __asm__("sxtb16 %0, %1" : "=r"(result) : "r"(x));
    return result;
}

static inline uint32_t qe_sxtb16_ror8(uint32_t x)
{
    uint32_t result;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(result) : "r"(x));
    return result;
}

static inline uint32_t qe_uxtb16(uint32_t x)
{
    uint32_t result;
    __asm__("uxtb16 %0, %1" : "=r"(result) : "r"(x));
    return result;
}

static inline uint32_t qe_uxtb16_ror8(uint32_t x)
{
    uint32_t result;
    __asm__("uxtb16 %0, %1, ror #8" : "=r"(result) : "r"(x));
    return result;
}

static inline uint32_t qe_sxtab16(uint32_t acc, uint32_t x)
{
    uint32_t result;
    __asm__("sxtab16 %0, %1, %2" : "=r"(result) : "r"(acc), "r"(x));
    return result;
}

static inline uint32_t qe_sxtab16_ror8(uint32_t acc, uint32_t x)
{
    uint32_t result;
    __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(result) : "r"(acc), "r"(x));
    return result;
}

static inline uint32_t qe_ssub16(uint32_t x, uint32_t y)
{
    uint32_t result;
    __asm__("ssub16 %0, %1, %2" : "=r"(result) : "r"(x), "r"(y));
    return result;
}

static inline uint32_t qe_pack_low(uint32_t low, uint32_t high)
{
    uint32_t result;
    __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(result) : "r"(low), "r"(high));
    return result;
}

static inline uint32_t qe_pack_high(uint32_t low, uint32_t high)
{
    uint32_t result;
    __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(result) : "r"(high), "r"(low));
    return result;
}

static inline int32_t qe_smmla(int32_t x, int32_t y, int32_t acc)
{
    int32_t result;
    __asm__("smmla %0, %1, %2, %3" : "=r"(result) : "r"(x), "r"(y), "r"(acc));
    return result;
}

static inline int32_t qe_smmulr(int32_t x, int32_t y)
{
    int32_t result;
    __asm__("smmulr %0, %1, %2" : "=r"(result) : "r"(x), "r"(y));
    return result;
}

static inline int32_t qe_smmlar(int32_t x, int32_t y, int32_t acc)
{
    int32_t result;
    __asm__("smmlar %0, %1, %2, %3" : "=r"(result) : "r"(x), "r"(y), "r"(acc));
    return result;
}

/** Half of x, rounded down, saturated to int8. */
static inline int32_t qe_ssat8_half(int32_t x)
{
    int32_t result;
    __asm__("ssat %0, #8, %1, asr #1" : "=r"(result) : "r"(x));
    return result;
}

static inline int32_t qe_ssat8(int32_t x)
{
    int32_t result;
    __asm__("ssat %0, #8, %1" : "=r"(result) : "r"(x));
    return result;
}

#else

static inline int32_t qe_low_half(uint32_t x)
{
    return (int16_t)(uint16_t)x;
}

static inline int32_t qe_high_half(uint32_t x)
{
    return (int16_t)(uint16_t)(x >> 16);
}

static inline uint32_t qe_halves(int32_t low, int32_t high)
{
    return ((uint32_t)low & 0xFFFFU) | (uint32_t)high << 16;
}

/* Accumulators wrap, as the registers do. */
static inline int32_t qe_wrapping_add(int32_t x, int32_t y)
{
    return (int32_t)((uint32_t)x + (uint32_t)y);
}

static inline int32_t qe_smlabb(uint32_t x, uint32_t y, int32_t acc)
{
    return qe_wrapping_add(acc, qe_low_half(x) * qe_low_half(y));
}

static inline int32_t qe_smlabt(uint32_t x, uint32_t y, int32_t acc)
{
    return qe_wrapping_add(acc, qe_low_half(x) * qe_high_half(y));
}

static inline int32_t qe_smlatb(uint32_t x, uint32_t y, int32_t acc)
{
    return qe_wrapping_add(acc, qe_high_half(x) * qe_low_half(y));
}

static inline int32_t qe_smlatt(uint32_t x, uint32_t y, int32_t acc)
{
    return qe_wrapping_add(acc, qe_high_half(x) * qe_high_half(y));
}

static inline int32_t qe_smlad(uint32_t x, uint32_t y, int32_t acc)
{
    return qe_smlatt(x, y, qe_smlabb(x, y, acc));
}

static inline uint32_t qe_sxtb16(uint32_t x)
{
    return qe_halves((int8_t)(uint8_t)x, (int8_t)(uint8_t)(x >> 16));
}

static inline uint32_t qe_sxtb16_ror8(uint32_t x)
{
    return qe_sxtb16(x >> 8);
}

static inline uint32_t qe_uxtb16(uint32_t x)
{
    return x & 0x00FF00FFU;
}

static inline uint32_t qe_uxtb16_ror8(uint32_t x)
{
    return (x >> 8) & 0x00FF00FFU;
}

static inline uint32_t qe_sxtab16(uint32_t acc, uint32_t x)
{
    return qe_halves(qe_low_half(acc) + (int8_t)(uint8_t)x,
                     qe_high_half(acc) + (int8_t)(uint8_t)(x >> 16));
}

static inline uint32_t qe_sxtab16_ror8(uint32_t acc, uint32_t x)
{
    return qe_sxtab16(acc, x >> 8);
}

static inline uint32_t qe_ssub16(uint32_t x, uint32_t y)
{
    return qe_halves(qe_low_half(x) - qe_low_half(y), qe_high_half(x) - qe_high_half(y));
}

static inline uint32_t qe_pack_low(uint32_t low, uint32_t high)
{
    return (low & 0xFFFFU) | high << 16;
}

static inline uint32_t qe_pack_high(uint32_t low, uint32_t high)
{
    return low >> 16 | (high & 0xFFFF0000U);
}

static inline int32_t qe_smmla(int32_t x, int32_t y, int32_t acc)
{
    return qe_wrapping_add(acc, (int32_t)(((int64_t)x * y) >> 32));
}

static inline int32_t qe_smmlar(int32_t x, int32_t y, int32_t acc)
{
    return qe_wrapping_add(acc, (int32_t)(((int64_t)x * y + (1LL << 31)) >> 32));
}

static inline int32_t qe_smmulr(int32_t x, int32_t y)
{
    return qe_smmlar(x, y, 0);
}

static inline int32_t qe_ssat8(int32_t x)
{
    return x < -128 ? -128 : (x > 127 ? 127 : x);
}

/** Half of x, rounded down, saturated to int8. */
static inline int32_t qe_ssat8_half(int32_t x)
{
    return qe_ssat8(x >> 1);
}

#endif /* QE_HAS_DSP */

/**
 * @brief Scale an accumulator that carries a factor of 256: SMMLA, ASR, SSAT.
 *
 * Equals clamp(round(round(acc * multiplier / 2^31) / 2^k) + zero_point) of the int8 range, both
 * roundings as docs/arithmetic.md defines them; docs/kernels-cortex-m4.md derives it.
 *
 * @param acc256         256 * acc, |acc| < 2^23.
 * @param multiplier     0, or in [2^30, 2^31).
 * @param shift          k + 6, with k in [1, 16].
 * @param offset         See qe_requantize_offset.
 * @param negative_mask  ~127, or 0 where the difference is not seen: see qe_dsp_output.
 */
static inline int8_t qe_requantize256(int32_t acc256, int32_t multiplier, int32_t shift,
                                      int32_t offset, int32_t negative_mask)
{
    int32_t tie = (acc256 >> 31) & negative_mask;
    return (int8_t)qe_ssat8_half(qe_smmla(acc256, multiplier, offset + tie) >> shift);
}

/** How a layer's accumulators become its output; channels differ in multiplier and shift. */
typedef struct {
    int32_t zero_point2;   /**< 2 * output zero point + 1: the one is the half that rounds. */
    int32_t half;          /**< 64 (double rounding) or 0 (single rounding). */
    int32_t negative_mask; /**< ~127: ties of negative accumulators go down. 0: rounding is single,
                                or everything below the zero point is clamped to it. */
    int32_t minimum;       /**< Clamp of the output. */
    int32_t maximum;
} qe_dsp_output;

/** The addend of SMMLA that holds zero point and rounding of a channel. */
static inline int32_t qe_requantize_offset(const qe_dsp_output *output, int32_t shift)
{
    return output->zero_point2 * (int32_t)(1U << shift) + output->half;
}

/** Whether int8 saturation is not yet the layer's clamp. */
static inline int qe_dsp_needs_clamp(const qe_dsp_output *output)
{
    return output->minimum > INT8_MIN || output->maximum < INT8_MAX;
}

static inline int8_t qe_dsp_clamp(int32_t value, const qe_dsp_output *output)
{
    return (int8_t)(value < output->minimum ? output->minimum
                                            : (value > output->maximum ? output->maximum : value));
}

/** Clamp values that are already saturated to int8. */
static inline void qe_dsp_clamp_run(const qe_dsp_output *output, int8_t *values, int32_t count)
{
    for (; count > 0; count--, values++) {
        *values = qe_dsp_clamp(*values, output);
    }
}

#endif /* QE_DSP_H */

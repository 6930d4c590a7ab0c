/**
 * @file qe_fixedpoint.h
 * @brief Fixed-point arithmetic of the kernels. Normative text: docs/arithmetic.md.
 *
 * A real multiplier is multiplier * 2^(shift - 31): a Q0.31 mantissa in [0, 2^31 - 1] and a shift
 * in [-31, 30], positive to the left.
 */
#ifndef QE_FIXEDPOINT_H
#define QE_FIXEDPOINT_H

#include "qe_types.h"

/* C99 leaves these to the implementation; the kernels rely on them. */
typedef char qe_assert_arithmetic_shift[((-1 >> 1) == -1) ? 1 : -1];
typedef char qe_assert_wrapping_conversion[((int32_t)UINT32_C(0xFFFFFFFF) == -1) ? 1 : -1];

/** 1 where the processor multiplies 32 x 32 bits to 64; 0 builds the product from 16-bit halves. */
#ifndef QE_LONG_MULTIPLY
#if defined(__ARM_ARCH_6M__) || defined(__ARM_ARCH_8M_BASE__) || defined(__AVR__)
#define QE_LONG_MULTIPLY 0
#else
#define QE_LONG_MULTIPLY 1
#endif
#endif

/** How qe_requantize() rounds. */
enum {
    QE_ROUND_DOUBLE = 0, /**< Twice: ties to +infinity, then ties away from zero. */
    QE_ROUND_SINGLE = 1, /**< Once, ties to +infinity. */
    QE_ROUND_WIDE = 2    /**< 64-bit accumulator, 16-bit multiplier; once, ties to +infinity. */
};

/** @brief Clamp @p x to [@p low, @p high]. Requires low <= high. */
static inline int32_t qe_clamp(int32_t x, int32_t low, int32_t high)
{
    return (x < low) ? low : ((x > high) ? high : x);
}

/** @brief @p x + @p offset, clamped to [@p low, @p high]; the bounds are those of 16 bits or less.
 */
static inline int32_t qe_clamp_sum(int32_t x, int32_t offset, int32_t low, int32_t high)
{
    return qe_clamp(x, low - offset, high - offset) + offset;
}

/**
 * @brief Round(a * b / 2^31), ties to +infinity.
 *
 * @param a,b  Not both -2^31.
 */
static inline int32_t qe_high_multiply(int32_t a, int32_t b)
{
#if QE_LONG_MULTIPLY
    return (int32_t)(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
#else
    const int32_t a_high = a >> 16;
    const int32_t b_high = b >> 16; /* cppcheck-suppress shiftNegativeLHS ; asserted above */
    const uint32_t a_low = (uint32_t)a & 0xFFFFu;
    const uint32_t b_low = (uint32_t)b & 0xFFFFu;
    const uint32_t low = a_low * b_low;
    const int32_t middle1 = a_high * (int32_t)b_low + (int32_t)(low >> 16);
    const int32_t middle2 = (int32_t)a_low * b_high + (int32_t)((uint32_t)middle1 & 0xFFFFu);
    const int32_t high = a_high * b_high + (middle1 >> 16) + (middle2 >> 16);
    const uint32_t rest = ((uint32_t)middle2 << 16) | (low & 0xFFFFu); /* product: high, rest */
    return (int32_t)(((uint32_t)high << 1) + (rest >> 31) + ((rest >> 30) & 1u));
#endif
}

/**
 * @brief Round(x / 2^exponent), ties away from zero.
 *
 * @param exponent  [0, 31]
 */
static inline int32_t qe_rounding_shift_right(int32_t x, int32_t exponent)
{
    const uint32_t mask = ((uint32_t)1 << exponent) - 1u;
    const uint32_t threshold = (mask >> 1) + ((x < 0) ? 1u : 0u);
    return (x >> exponent) + ((((uint32_t)x & mask) > threshold) ? 1 : 0);
}

/** @brief Scale an accumulator, rounding twice. The left shift wraps. */
static inline int32_t qe_requantize_double(int32_t acc, int32_t multiplier, int32_t shift)
{
    if (shift > 0) {
        return qe_high_multiply((int32_t)((uint32_t)acc << shift), multiplier);
    }
    return qe_rounding_shift_right(qe_high_multiply(acc, multiplier), -shift);
}

/**
 * @brief Scale an accumulator by multiplier * 2^(shift - 31) in the less usual roundings.
 *
 * @param acc       QE_ROUND_SINGLE: of 32 bits. QE_ROUND_WIDE: below 2^47 in magnitude.
 * @param shift     [-31, 30]; up to 7 with QE_ROUND_WIDE.
 * @param rounding  QE_ROUND_SINGLE or QE_ROUND_WIDE, which reduces the multiplier to 16 bits.
 * @return          SINGLE: saturated to 32 bits; WIDE: the low 32 bits.
 */
int32_t qe_requantize_once(int64_t acc, int32_t multiplier, int32_t shift, int32_t rounding);

/**
 * @brief Scale an accumulator by multiplier * 2^(shift - 31).
 *
 * @param acc       Of 32 bits (its upper half is ignored), or 48 with QE_ROUND_WIDE.
 * @param rounding  QE_ROUND_...
 * @return          The scaled value, before the output zero point is added.
 */
static inline int32_t qe_requantize(int64_t acc, int32_t multiplier, int32_t shift,
                                    int32_t rounding)
{
    return (rounding == QE_ROUND_DOUBLE) ? qe_requantize_double((int32_t)acc, multiplier, shift)
                                         : qe_requantize_once(acc, multiplier, shift, rounding);
}

/** One real multiplier. */
typedef struct {
    int32_t multiplier; /**< [0, 2^31 - 1] */
    int32_t shift;      /**< [-31, 30] */
    int32_t rounding;   /**< QE_ROUND_... */
} qe_scale;

/** @brief Scale @p acc by @p scale: qe_requantize(). */
static inline int32_t qe_rescale(int64_t acc, const qe_scale *scale)
{
    return qe_requantize(acc, scale->multiplier, scale->shift, scale->rounding);
}

/** How the accumulators of a layer become its outputs. */
typedef struct {
    const QE_ROM int32_t *bias; /**< [C]; in accumulator steps */
    const QE_ROM int32_t
        *bias_high; /**< [C]: upper halves of 64-bit biases (WIDE); NULL: `bias` is all */
    const QE_ROM int32_t *multiplier; /**< [C], or [1] with channel_step 0 */
    const QE_ROM int8_t *shift;       /**< as `multiplier`; [-31, 30] */
    int32_t channel_step;             /**< 1: one multiplier per channel; 0: one for all */
    int32_t rounding;                 /**< QE_ROUND_... */
    int32_t zero_point;               /**< In the range of the output type; added to every output */
    int32_t activation_min;           /**< In the range of the output type */
    int32_t activation_max;           /**< In the range of the output type, >= activation_min */
} qe_output_stage;

/** @brief qe_finish() in the less usual roundings. */
int32_t qe_finish_once(const qe_output_stage *stage, int32_t channel, int64_t sum);

/** @brief The output value of @p channel whose products sum up to @p sum. */
static inline int32_t qe_finish(const qe_output_stage *stage, int32_t channel, int64_t sum)
{
    if (stage->rounding != QE_ROUND_DOUBLE) {
        return qe_finish_once(stage, channel, sum);
    }
    const int32_t entry = channel * stage->channel_step;
    const int32_t acc = (int32_t)((uint32_t)sum + (uint32_t)stage->bias[channel]);
    const int32_t scaled = qe_requantize_double(acc, stage->multiplier[entry], stage->shift[entry]);
    return qe_clamp_sum(scaled, stage->zero_point, stage->activation_min, stage->activation_max);
}

/** Filters that are computed together, so that each input value is loaded once for all of them. */
#define QE_BLOCK 4

/** Their sums; no array, so that they stay in registers. */
typedef struct {
    int32_t sum0, sum1, sum2, sum3;
} qe_block;

/** @brief The int8 outputs of QE_BLOCK channels from @p channel on: qe_finish() of each. */
void qe_finish_block(const qe_output_stage *stage, int32_t channel, qe_block sums, int8_t *output);

#endif /* QE_FIXEDPOINT_H */

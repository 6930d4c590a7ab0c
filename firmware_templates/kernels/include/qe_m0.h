/**
 * @file qe_m0.h
 * @brief What the kernels for cores without DSP instructions share: requantization by steps.
 *        How it works: docs/kernels-cortex-m0.md.
 */
#ifndef QE_M0_H
#define QE_M0_H

#include <stdint.h>
#include <string.h>

#if defined(__ARM_ARCH) && defined(__thumb__)
#define QE_HAS_THUMB 1
#else
#define QE_HAS_THUMB 0
#endif

/** Assembly that adds the product of \\pixel, which may be lost, and r5 to \\sum: four bytes of
 * code. A Cortex-M3 has one instruction for it. */
#if QE_HAS_THUMB && defined(__thumb2__)
#define QE_M0_ADD_PRODUCT "    mla \\sum, \\pixel, r5, \\sum\n"
#else
#define QE_M0_ADD_PRODUCT "    muls \\pixel, r5, \\pixel\n    add \\sum, \\pixel\n"
#endif

/** Right shifts of negative numbers are arithmetic. */
typedef char qe_m0_assert_arithmetic_shift[((-1 >> 1) == -1) ? 1 : -1];

/** A channel's output as a function of its sum: the head of a record. Word by word:
 *  bias with the start of the steps subtracted, range of the steps, multiplier_high,
 *  multiplier_low, constant; and if ties are signed: zero, constant_negative. */
enum {
    QE_M0_BIAS,
    QE_M0_RANGE,
    QE_M0_MULTIPLIER_HIGH,
    QE_M0_MULTIPLIER_LOW,
    QE_M0_CONSTANT,
    QE_M0_ZERO,
    QE_M0_CONSTANT_NEGATIVE
};

/** How a layer's sums become its output. */
typedef struct {
    int32_t maximum;     /**< Clamp of the output. */
    int32_t span;        /**< maximum - minimum */
    int32_t shift;       /**< Of the product with multiplier_low. */
    int32_t signed_ties; /**< 1: negative sums have a constant of their own. */
} qe_m0_output;

/**
 * @brief One output: within the range by two 32-bit products, outside one end of the clamp.
 *
 * @param head  Of the channel's record.
 * @param sum   The products and QE_M0_BIAS.
 */
static inline int8_t qe_m0_requantize(const uint32_t *head, int32_t sum, const qe_m0_output *output)
{
    const uint32_t u = (uint32_t)sum;
    if (u >= head[QE_M0_RANGE]) {
        return (int8_t)(output->maximum - ((sum >> 31) & output->span));
    }
    uint32_t constant = head[QE_M0_CONSTANT];
    if (output->signed_ties && u < head[QE_M0_ZERO]) {
        constant = head[QE_M0_CONSTANT_NEGATIVE];
    }
    const uint32_t low = (u * head[QE_M0_MULTIPLIER_LOW]) >> output->shift;
    const uint32_t y = (low + u * head[QE_M0_MULTIPLIER_HIGH] + constant) >> 24;
    return (int8_t)(uint8_t)y;
}

#endif /* QE_M0_H */

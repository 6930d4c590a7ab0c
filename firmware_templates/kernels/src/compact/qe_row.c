/* Dot products of one row with all filters, four at a time, in little code:
 * docs/kernels-compact.md.
 */
#include "qe_compact.h"

#include "qe_dsp.h"

#if QE_HAS_DSP

/* Four taps, two to a multiplication. */
static inline int32_t add_products(int32_t sum, uint32_t w, uint32_t even, uint32_t odd)
{
    return qe_smlad(even, qe_sxtb16(w), qe_smlad(odd, qe_sxtb16_ror8(w), sum));
}

static qe_block sum_block(const qe_compact_filters *filters, const int8_t *x, const int8_t *w)
{
    const uint32_t offset = 0x00010001U * (uint16_t)-filters->input_zero_point;
    qe_block sums = {0, 0, 0, 0};
    for (const int8_t *end = x + filters->taps; x < end; x += 4, w += 4 * QE_BLOCK) {
        const uint32_t even = qe_sxtab16(offset, qe_load4(x));
        const uint32_t odd = qe_sxtab16_ror8(offset, qe_load4(x));
        sums.sum0 = add_products(sums.sum0, qe_load4(w), even, odd);
        sums.sum1 = add_products(sums.sum1, qe_load4(w + 4), even, odd);
        sums.sum2 = add_products(sums.sum2, qe_load4(w + 8), even, odd);
        sums.sum3 = add_products(sums.sum3, qe_load4(w + 12), even, odd);
    }
    return sums;
}

#else

static inline int32_t add_products(int32_t sum, const int8_t *w, int32_t x0, int32_t x1, int32_t x2,
                                   int32_t x3)
{
    return sum + x0 * w[0] + x1 * w[1] + x2 * w[2] + x3 * w[3];
}

static qe_block sum_block(const qe_compact_filters *filters, const int8_t *x, const int8_t *w)
{
    const int32_t zero = filters->input_zero_point;
    qe_block sums = {0, 0, 0, 0};
    for (const int8_t *end = x + filters->taps; x < end; x += 4, w += 4 * QE_BLOCK) {
        const int32_t x0 = x[0] - zero, x1 = x[1] - zero, x2 = x[2] - zero, x3 = x[3] - zero;
        sums.sum0 = add_products(sums.sum0, w, x0, x1, x2, x3);
        sums.sum1 = add_products(sums.sum1, w + 4, x0, x1, x2, x3);
        sums.sum2 = add_products(sums.sum2, w + 8, x0, x1, x2, x3);
        sums.sum3 = add_products(sums.sum3, w + 12, x0, x1, x2, x3);
    }
    return sums;
}

#endif

void qe_compact_row(const qe_compact_filters *filters, const int8_t *x, int8_t *output)
{
    const int8_t *weights = filters->weights;
    const int32_t outputs = filters->outputs, taps = filters->taps;
    for (int32_t channel = 0; channel < outputs;) {
        const qe_block block = sum_block(filters, x, weights);
        const int32_t sums[QE_BLOCK] = {block.sum0, block.sum1, block.sum2, block.sum3};
        for (int32_t i = 0; i < QE_BLOCK && channel < outputs; ++i, ++channel) {
            output[channel] = qe_compact_output(filters, channel, sums[i]);
        }
        weights += QE_BLOCK * taps;
    }
}

/* What is too rare or too large to be inlined. Interface: qe_fixedpoint.h. */
#include "qe_fixedpoint.h"

int32_t qe_requantize_once(int64_t acc, int32_t multiplier, int32_t shift, int32_t rounding)
{
    if (rounding == QE_ROUND_WIDE) {
        const int32_t reduced =
            (multiplier < INT32_C(0x7FFF0000)) ? ((multiplier + 0x8000) >> 16) : 0x7FFF;
        const int32_t right = 15 - shift;
        return (int32_t)((acc * reduced + ((int64_t)1 << (right - 1))) >> right);
    }
    const int32_t right = 31 - shift;
    const int64_t product = (int64_t)(int32_t)acc * multiplier;
    const int64_t scaled = (product + ((int64_t)1 << (right - 1))) >> right;
    return (scaled < INT32_MIN) ? INT32_MIN : ((scaled > INT32_MAX) ? INT32_MAX : (int32_t)scaled);
}

int32_t qe_finish_once(const qe_output_stage *stage, int32_t channel, int64_t sum)
{
    int64_t acc = sum + stage->bias[channel];
    if (stage->bias_high != 0) {
        const uint64_t high = (uint32_t)stage->bias_high[channel];
        acc = sum + (int64_t)((high << 32) | (uint32_t)stage->bias[channel]);
    }
    const int32_t entry = channel * stage->channel_step;
    const int32_t scaled =
        qe_requantize_once(acc, stage->multiplier[entry], stage->shift[entry], stage->rounding);
    return qe_clamp_sum(scaled, stage->zero_point, stage->activation_min, stage->activation_max);
}

void qe_finish_block(const qe_output_stage *stage, int32_t channel, qe_block sums, int8_t *output)
{
    const int32_t each[QE_BLOCK] = {sums.sum0, sums.sum1, sums.sum2, sums.sum3};
    for (int32_t i = 0; i < QE_BLOCK; ++i) {
        output[i] = (int8_t)qe_finish(stage, channel + i, each[i]);
    }
}

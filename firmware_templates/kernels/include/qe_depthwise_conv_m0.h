/**
 * @file qe_depthwise_conv_m0.h
 * @brief DEPTHWISE_CONV_2D on cores without DSP instructions. How it works:
 *        docs/kernels-cortex-m0.md.
 */
#ifndef QE_DEPTHWISE_CONV_M0_H
#define QE_DEPTHWISE_CONV_M0_H

#include "qe_m0.h"
#include "qe_types.h"

/** Parameters of one layer; the exporter fills them. */
typedef struct {
    qe_shape input, output;
    qe_size kernel, stride, dilation;
    qe_size padding;         /**< Before the first row and column. */
    int32_t channel_outputs; /**< Output channels of one input channel. */
    int32_t input_zero_point;
    int32_t band;         /**< Output rows computed between two fillings of the window. */
    int32_t row_words;    /**< Of the window: a padded input row, a word a pixel. */
    int32_t even_words;   /**< 3x3, stride 2: even columns come first, odd ones from here on. */
    int32_t record_words; /**< Of one output channel. */
    int32_t head_words;
    /** One record for each output channel, in order: a head as in qe_m0.h, then bytes w[y][x], up
     * to a whole word. For the 3x3 kernel with stride 2 w[y][0] w[y][2] w[y][1]. */
    const uint32_t *records;
    qe_m0_output requantization;
} qe_depthwise_conv_m0_params;

/**
 * @brief 3x3, stride 1 or 2 in both directions, no dilation.
 *
 * @param input    [c][h][w]; may be the output where the exporter says so.
 * @param output   [c][h][w]
 * @param scratch  4 * row_words * ((band - 1) * stride.h + (kernel.h - 1) * dilation.h + 1) bytes,
 *                 aligned to 4.
 */
void qe_depthwise_conv_3x3_m0(const qe_depthwise_conv_m0_params *params, const int8_t *input,
                              int8_t *output, void *scratch);

/** @brief As above for any kernel, stride and dilation. */
void qe_depthwise_conv_m0(const qe_depthwise_conv_m0_params *params, const int8_t *input,
                          int8_t *output, void *scratch);

#endif /* QE_DEPTHWISE_CONV_M0_H */

/**
 * @file qe_depthwise_conv_mve.h
 * @brief DEPTHWISE_CONV_2D on cores with Helium. How it works: docs/kernels-cortex-m55.md.
 */
#ifndef QE_DEPTHWISE_CONV_MVE_H
#define QE_DEPTHWISE_CONV_MVE_H

#include "qe_mve.h"
#include "qe_types.h"

/** Parameters of one layer, one output channel for each input channel; the exporter fills them. */
typedef struct {
    qe_shape input, output;
    qe_size kernel, stride, dilation;
    qe_size padding; /**< Before the first row and column. */
    int32_t input_zero_point;
    int32_t backward; /**< 1: from the last row to the first. */
    int32_t columns;  /**< Of the output that are computed from one strip. */
    const int32_t *records;
    qe_mve_output quantization;
} qe_depthwise_conv_mve_params;

/**
 * @brief Any kernel, without weights of -128.
 *
 * `records` holds one record for each eight channels, filled up with zeros: for each tap in the
 * order y, x the weights of all eight, a last tap of zeros if their number is odd; then, for the
 * channels 0 2 4 6 and for 1 3 5 7, four words each of bias - input zero point * sum of weights,
 * multiplier, shift (<= 0).
 *
 * @param input    [h][w][c]
 * @param output   [h][w][c]
 * @param scratch  A pointer for each tap, their number rounded up to an odd one, then c bytes;
 *                 aligned to 4.
 */
void qe_depthwise_conv_mve(const qe_depthwise_conv_mve_params *params, const int8_t *input,
                           int8_t *output, void *scratch);

/**
 * @brief Kernel 3x3, stride 1 or 2 both ways, no dilation.
 *
 * `records` holds five words for each channel: its columns from left to right, of three weights
 * each, the highest byte of the first being the shift (<= 0) and of the others 0; the bias - input
 * zero point * sum of weights; the multiplier.
 *
 * @param input    [h][w][c]
 * @param output   [h][w][c]
 * @param scratch  Columns of 16 words: one for the padding, then those of a strip, which are
 *                 2 + `columns` rounded up to an even number (stride 1), or 2 + 2 * `columns`
 *                 rounded up to a multiple of four (stride 2); aligned to 4.
 */
void qe_depthwise_conv_3x3_mve(const qe_depthwise_conv_mve_params *params, const int8_t *input,
                               int8_t *output, void *scratch);

#endif /* QE_DEPTHWISE_CONV_MVE_H */

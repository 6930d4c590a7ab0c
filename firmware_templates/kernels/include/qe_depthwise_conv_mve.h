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
    int32_t pairs; /**< Taps of the kernel by two, rounded up. */
    /** One record for each eight channels, filled up with zeros: for each tap in the order y, x the
     *  weights of all eight, a last tap of zeros if their number is odd; then, for channels
     *  0 2 4 6 and for 1 3 5 7, four words each of bias - input zero point * sum of weights,
     *  multiplier, shift (<= 0). */
    const int32_t *records;
    qe_mve_output quantization;
} qe_depthwise_conv_mve_params;

/**
 * @brief Run one layer without weights of -128.
 *
 * @param input    [h][w][c]
 * @param output   [h][w][c]
 * @param scratch  Two pointers for each pair, then c bytes; aligned to 4.
 */
void qe_depthwise_conv_mve(const qe_depthwise_conv_mve_params *params, const int8_t *input,
                           int8_t *output, void *scratch);

#endif /* QE_DEPTHWISE_CONV_MVE_H */

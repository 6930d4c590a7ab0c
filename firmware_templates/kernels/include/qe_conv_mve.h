/**
 * @file qe_conv_mve.h
 * @brief CONV_2D on cores with Helium. How it works: docs/kernels-cortex-m55.md.
 */
#ifndef QE_CONV_MVE_H
#define QE_CONV_MVE_H

#include "qe_mve.h"
#include "qe_types.h"

/** Parameters of one layer; the exporter fills them. */
typedef struct {
    qe_shape input, output;
    qe_size kernel, stride, dilation;
    qe_size padding; /**< Before the first row and column. */
    int32_t input_zero_point;
    int32_t vectors; /**< Taps of one output, kernel.h * kernel.w * input.c, by 16, rounded up. */
    int32_t
        row_vectors; /**< Of a kernel row, where that is whole vectors at aligned addresses; 0. */
    /** One record for each four output channels, the last filled up with zeros: for the channels 0
     *  and 2, then 1 and 3, for each 16 taps the bytes of one and of the other, in the order y, x,
     *  channel; then four words each of bias - input zero point * sum of weights, multiplier,
     *  shift (<= 0). */
    const int32_t *records;
    qe_mve_output quantization;
} qe_conv_mve_params;

/**
 * @brief Any convolution of one group.
 *
 * @param input    [h][w][c], aligned to 4
 * @param output   [h][w][c]
 * @param scratch  32 * vectors bytes, aligned to 4.
 */
void qe_conv_mve(const qe_conv_mve_params *params, const int8_t *input, int8_t *output,
                 void *scratch);

#endif /* QE_CONV_MVE_H */

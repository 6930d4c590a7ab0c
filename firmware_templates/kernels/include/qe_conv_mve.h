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
    int32_t backward; /**< 1: from the last pixel to the first. */
    int32_t vectors;  /**< Of 16 taps, that make an output; the last one filled up. */
    /** One record for each four output channels, the last filled up with zeros: for the channels 0
     *  and 2, then 1 and 3, for each vector of taps the weights of one and of the other; then four
     *  words each of bias - input zero point * sum of weights, multiplier, shift (<= 0). */
    const int32_t *records;
    qe_mve_output quantization;
    /** Where qe_conv_gather_mve finds each vector's taps: 16 bytes from `bases` of a pixel's
     *  window, `offsets` each. */
    const int32_t *bases;
    const uint8_t *offsets;
    int32_t line_bytes; /**< Of a padded row of input; 0: there is no padding. */
} qe_conv_mve_params;

/**
 * @brief Any convolution of one group whose input channels are whole vectors.
 *
 * Taps stand in the order y, x, channel.
 *
 * @param input    [h][w][c]
 * @param output   [h][w][c]
 * @param scratch  48 * vectors bytes, aligned to 4.
 */
void qe_conv_mve(const qe_conv_mve_params *params, const int8_t *input, int8_t *output,
                 void *scratch);

/**
 * @brief Kernel 1x1, stride 1, no padding; any number of channels.
 *
 * @param input    [h][w][c]
 * @param output   [h][w][c]
 * @param scratch  48 * vectors bytes, aligned to 4.
 */
void qe_conv_1x1_mve(const qe_conv_mve_params *params, const int8_t *input, int8_t *output,
                     void *scratch);

/**
 * @brief Any convolution of one group, its taps gathered byte by byte.
 *
 * @param input    [h][w][c]
 * @param output   [h][w][c]
 * @param scratch  48 * vectors + kernel.h * line_bytes bytes, aligned to 4.
 */
void qe_conv_gather_mve(const qe_conv_mve_params *params, const int8_t *input, int8_t *output,
                        void *scratch);

#endif /* QE_CONV_MVE_H */

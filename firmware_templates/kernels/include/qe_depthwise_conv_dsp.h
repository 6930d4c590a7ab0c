/**
 * @file qe_depthwise_conv_dsp.h
 * @brief DEPTHWISE_CONV_2D on cores with the DSP extension. How it works:
 *        docs/kernels-cortex-m4.md.
 */
#ifndef QE_DEPTHWISE_CONV_DSP_H
#define QE_DEPTHWISE_CONV_DSP_H

#include "qe_dsp.h"
#include "qe_types.h"

/** Parameters of one layer; the exporter fills them. */
typedef struct {
    qe_shape input, output;
    qe_size kernel, stride, dilation;
    qe_size padding;         /**< Before the first row and column. */
    int32_t channel_outputs; /**< Output channels of one input channel. */
    int32_t input_zero_point;
    int32_t channel_step; /**< Bytes from an output channel to the next: a plane. */
    int32_t band;         /**< Output rows computed between two fillings of the window. */
    int32_t row_bytes;    /**< Of the window: a padded input row and what words read past it. */
    int32_t record_words; /**< Of one output channel. */
    /** One record for each output channel, in order:
     *  - 256 * (bias - input zero point * sum of weights), the shift (k + 6) in the low byte;
     *  - multiplier;
     *  - the weights w[y][x]. For the 3x3 kernels bytes w00 w10 w02 w12, w20 w01 w22 w11, 0 0 0
     * w21; else in the order y, x, with zeros up to a whole word. */
    const uint32_t *records;
    qe_dsp_output quantization;
} qe_depthwise_conv_dsp_params;

/**
 * @brief 3x3, stride 1 in both directions, no dilation.
 *
 * @param input    [c][h][w]; may be the output where the exporter says so.
 * @param output   [c][h][w]
 * @param scratch  row_bytes * ((band - 1) * stride.h + (kernel.h - 1) * dilation.h + 1) bytes.
 */
void qe_depthwise_conv_3x3_s1_dsp(const qe_depthwise_conv_dsp_params *params, const int8_t *input,
                                  int8_t *output, void *scratch);

/** @brief As above with stride 2 in both directions. */
void qe_depthwise_conv_3x3_s2_dsp(const qe_depthwise_conv_dsp_params *params, const int8_t *input,
                                  int8_t *output, void *scratch);

/** @brief As above for any kernel, stride and dilation. */
void qe_depthwise_conv_dsp(const qe_depthwise_conv_dsp_params *params, const int8_t *input,
                           int8_t *output, void *scratch);

/**
 * @brief One row of qe_depthwise_conv_3x3_s1_dsp(): params describe the image of rows that it sees.
 *
 * @param rows     [kernel.h] rows [c][w]; NULL: outside of the image
 * @param output   [c][w], channel_step bytes from channel to channel
 * @param scratch  row_bytes * kernel.h bytes
 */
void qe_depthwise_conv_3x3_s1_row_dsp(const qe_depthwise_conv_dsp_params *params,
                                      const void *const *rows, int8_t *output, void *scratch);

/** @brief As above with stride 2. */
void qe_depthwise_conv_3x3_s2_row_dsp(const qe_depthwise_conv_dsp_params *params,
                                      const void *const *rows, int8_t *output, void *scratch);

/** @brief As above for any kernel, stride and dilation. */
void qe_depthwise_conv_row_dsp(const qe_depthwise_conv_dsp_params *params, const void *const *rows,
                               int8_t *output, void *scratch);

#endif /* QE_DEPTHWISE_CONV_DSP_H */

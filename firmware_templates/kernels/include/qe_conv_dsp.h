/**
 * @file qe_conv_dsp.h
 * @brief CONV_2D on cores with the DSP extension. How it works: docs/kernels-cortex-m4.md.
 */
#ifndef QE_CONV_DSP_H
#define QE_CONV_DSP_H

#include "qe_dsp.h"
#include "qe_types.h"

/** Parameters of one layer; the exporter fills them. */
typedef struct {
    qe_shape input, output;
    qe_size kernel, stride, dilation;
    qe_size padding; /**< Before the first row and column. */
    int32_t input_zero_point;
    int32_t groups; /**< Taps of one output (kernel.h * kernel.w * input.c) / 4, rounded up. */
    /** One record for each pair of output channels, in order. A record is four words and then
     *  2 * groups words:
     *  - 256 * (bias - input zero point * sum of weights + 127 * sum of even taps' weights), with
     *    the channel's shift (k + 6) in the low byte; of both channels;
     *  - multiplier; of both channels;
     *  - four taps of the first channel as halfwords 256 * w[0] + w[1] and 256 * w[2] + w[3], then
     *    the same four of the second; taps in the order y, x, channel, missing ones 0.
     *  If output.c is odd the last record holds the last channel twice. */
    const uint32_t *records;
    qe_dsp_output quantization;
    int32_t channel_step; /**< Bytes from an output channel to the next: 1, or a plane. */
    int32_t pixel_step;   /**< Bytes from an output pixel to the next: output.c, or 1. */
} qe_conv_dsp_params;

/**
 * @brief Any convolution of one group.
 *
 * @param input    [h][w][c]
 * @param output   As channel_step and pixel_step say.
 * @param scratch  28 * groups bytes, aligned to 4.
 */
void qe_conv_dsp(const qe_conv_dsp_params *params, const int8_t *input, int8_t *output,
                 void *scratch);

/**
 * @brief A 1x1 convolution with stride 1 of an input stored plane by plane.
 *
 * @param input    [c][h][w]; may be the output if that is stored in planes too.
 * @param output   As channel_step and pixel_step say.
 * @param scratch  24 * groups bytes, aligned to 4.
 */
void qe_conv_1x1_planar_dsp(const qe_conv_dsp_params *params, const int8_t *input, int8_t *output,
                            void *scratch);

/**
 * @brief One row of qe_conv_dsp(): params describe the image of rows that it sees.
 *
 * @param rows     [kernel.h] rows [w][c]; NULL: outside of the image
 * @param output   As channel_step and pixel_step say.
 * @param scratch  24 * groups bytes and those of a row of taps, of all taps if such a row is not
 *                 whole words; aligned to 4.
 */
void qe_conv_row_dsp(const qe_conv_dsp_params *params, const void *const *rows, int8_t *output,
                     void *scratch);

/** @brief The same with 16 * groups bytes, somewhat slower. */
void qe_conv_row_small_dsp(const qe_conv_dsp_params *params, const void *const *rows,
                           int8_t *output, void *scratch);

/**
 * @brief One row of qe_conv_1x1_planar_dsp().
 *
 * @param rows     One row, [c][w].
 */
void qe_conv_1x1_planar_row_dsp(const qe_conv_dsp_params *params, const void *const *rows,
                                int8_t *output, void *scratch);

#endif /* QE_CONV_DSP_H */

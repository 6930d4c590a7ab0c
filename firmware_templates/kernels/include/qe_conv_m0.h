/**
 * @file qe_conv_m0.h
 * @brief CONV_2D on cores without DSP instructions. How it works: docs/kernels-cortex-m0.md.
 */
#ifndef QE_CONV_M0_H
#define QE_CONV_M0_H

#include "qe_m0.h"
#include "qe_types.h"

/** Parameters of one layer; the exporter fills them. */
typedef struct {
    qe_shape input, output;
    qe_size kernel, stride, dilation;
    qe_size padding; /**< Before the first row and column. */
    int32_t input_zero_point;
    int32_t taps; /**< Of one output: kernel.h * kernel.w * input.c */
    /** One record for each output channel: a head as in qe_m0.h, then bytes weight + 128 in the
     *  order y, x, channel, up to a whole word. */
    const uint32_t *records;
    int32_t head_words;
    int32_t record_words;
    qe_m0_output requantization;
    int32_t channel_step; /**< Bytes from an output channel to the next: 1, or a plane. */
    int32_t pixel_step;   /**< Bytes from an output pixel to the next: output.c, or 1. */
} qe_conv_m0_params;

/**
 * @brief Any convolution of one group.
 *
 * @param input    [h][w][c]
 * @param output   As channel_step and pixel_step say.
 * @param scratch  21 * taps + 20 bytes, aligned to 4.
 */
void qe_conv_m0(const qe_conv_m0_params *params, const int8_t *input, int8_t *output,
                void *scratch);

/**
 * @brief A 1x1 convolution with stride 1 of an input stored plane by plane.
 *
 * @param input    [c][h][w]; may be the output if that is stored in planes too.
 * @param output   As channel_step and pixel_step say.
 * @param scratch  20 * taps + 20 bytes, aligned to 4.
 */
void qe_conv_1x1_planar_m0(const qe_conv_m0_params *params, const int8_t *input, int8_t *output,
                           void *scratch);

#endif /* QE_CONV_M0_H */

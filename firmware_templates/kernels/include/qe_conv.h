/**
 * @file qe_conv.h
 * @brief 2-D convolution with groups and dilation; NHWC activations, OHWI weights.
 */
#ifndef QE_CONV_H
#define QE_CONV_H

#include "qe_fixedpoint.h"
#include "qe_window.h"

/** One layer. Group g computes group_outputs channels from channels g * depth onwards. */
typedef struct {
    qe_geometry geometry;
    int32_t depth;                /**< Input channels of a group, C / groups */
    int32_t group_outputs;        /**< Output channels of a group, O / groups */
    int32_t input_zero_point;     /**< In the range of the input type */
    const QE_ROM int8_t *weights; /**< [O, KH, KW, depth]; _w4: two in a byte, see qe_weight() */
    qe_output_stage stage;        /**< Of O channels */
} qe_conv_params;

/**
 * @brief Run one layer, int8 activations and weights.
 *
 * @param params  Validated by the exporter.
 * @param input   [batch, H, W, C]; must not overlap @p output.
 * @param output  [batch, OH, OW, O]; sums are exact, then qe_requantize() and the clamp.
 */
void qe_conv_s8(const qe_conv_params *params, const int8_t *input, int8_t *output);

/** @brief As qe_conv_s8() with 4-bit weights. */
void qe_conv_s8_w4(const qe_conv_params *params, const int8_t *input, int8_t *output);

/** @brief As qe_conv_s8() with int16 activations. */
void qe_conv_s16(const qe_conv_params *params, const int16_t *input, int16_t *output);

/** @brief As qe_conv_s16() with 4-bit weights. */
void qe_conv_s16_w4(const qe_conv_params *params, const int16_t *input, int16_t *output);

#endif /* QE_CONV_H */

/**
 * @file qe_depthwise_conv.h
 * @brief Depthwise 2-D convolution with dilation; NHWC activations, HWO weights.
 */
#ifndef QE_DEPTHWISE_CONV_H
#define QE_DEPTHWISE_CONV_H

#include "qe_fixedpoint.h"
#include "qe_window.h"

/** One layer. O = C * depth_multiplier; output channel o reads channel o / depth_multiplier. */
typedef struct {
    qe_geometry geometry;
    int32_t depth_multiplier;     /**< >= 1 */
    int32_t input_zero_point;     /**< In the range of the input type */
    const QE_ROM int8_t *weights; /**< [KH, KW, O]; _w4: two in a byte, see qe_weight() */
    qe_output_stage stage;        /**< Of O channels */
} qe_depthwise_conv_params;

/**
 * @brief Run one layer, int8 activations and weights.
 *
 * @param params  Validated by the exporter.
 * @param input   [batch, H, W, C]; must not overlap @p output.
 * @param output  [batch, OH, OW, O]; sums are exact, then qe_requantize() and the clamp.
 */
void qe_depthwise_conv_s8(const qe_depthwise_conv_params *params, const int8_t *input,
                          int8_t *output);

/** @brief As qe_depthwise_conv_s8() with 4-bit weights. */
void qe_depthwise_conv_s8_w4(const qe_depthwise_conv_params *params, const int8_t *input,
                             int8_t *output);

/** @brief As qe_depthwise_conv_s8() with int16 activations. */
void qe_depthwise_conv_s16(const qe_depthwise_conv_params *params, const int16_t *input,
                           int16_t *output);

/** @brief As qe_depthwise_conv_s16() with 4-bit weights. */
void qe_depthwise_conv_s16_w4(const qe_depthwise_conv_params *params, const int16_t *input,
                              int16_t *output);

#endif /* QE_DEPTHWISE_CONV_H */

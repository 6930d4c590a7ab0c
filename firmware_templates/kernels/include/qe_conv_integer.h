/**
 * @file qe_conv_integer.h
 * @brief 2-D convolution that ends with its sums; NHWC activations, OHWI weights.
 */
#ifndef QE_CONV_INTEGER_H
#define QE_CONV_INTEGER_H

#include "qe_window.h"

/** One layer. Group g computes group_outputs channels from channels g * depth onwards. */
typedef struct {
    qe_geometry geometry;
    int32_t depth;         /**< Input channels of a group, C / groups */
    int32_t group_outputs; /**< Output channels of a group, O / groups */
    const int8_t *weights; /**< [O, KH, KW, depth] */
} qe_conv_integer_params;

/**
 * @brief Run one layer.
 *
 * @param params      Validated by the exporter: no sum leaves int32.
 * @param input       [batch, H, W, C]; must not overlap @p output.
 * @param zero_point  [1]; of the input, and what padding counts as.
 * @param output      [batch, OH, OW, O]; exact.
 */
void qe_conv_integer_s8(const qe_conv_integer_params *params, const int8_t *input,
                        const int8_t *zero_point, int32_t *output);

#endif /* QE_CONV_INTEGER_H */

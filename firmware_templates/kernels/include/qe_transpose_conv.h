/**
 * @file qe_transpose_conv.h
 * @brief Every input pixel spreads over a window of the output; NHWC activations, OHWI weights.
 */
#ifndef QE_TRANSPOSE_CONV_H
#define QE_TRANSPOSE_CONV_H

#include "qe_fixedpoint.h"

/** One layer. The window of input pixel (y, x) begins at output pixel stride * (y, x) - offset. */
typedef struct {
    int32_t batch;                /**< >= 1; images, one behind the other */
    qe_shape input;               /**< [H, W, I] */
    qe_shape output;              /**< [OH, OW, O] */
    qe_size window;               /**< KH, KW >= 1; pixels */
    qe_size stride;               /**< >= 1; pixels */
    qe_size offset;               /**< >= 0; pixels */
    int32_t input_zero_point;     /**< In the range of the input type */
    const QE_ROM int8_t *weights; /**< [O, KH, KW, I]; _w4: two in a byte, see qe_weight() */
    qe_output_stage stage;        /**< Of O channels */
} qe_transpose_conv_params;

/**
 * @brief Run one layer, int8 activations and weights.
 *
 * @param params  Validated by the exporter.
 * @param input   [batch, H, W, I]; must not overlap @p output.
 * @param output  [batch, OH, OW, O]; sums are exact, then qe_requantize() and the clamp.
 */
void qe_transpose_conv_s8(const qe_transpose_conv_params *params, const int8_t *input,
                          int8_t *output);

/** @brief As qe_transpose_conv_s8() with 4-bit weights. */
void qe_transpose_conv_s8_w4(const qe_transpose_conv_params *params, const int8_t *input,
                             int8_t *output);

/** @brief As qe_transpose_conv_s8() with int16 activations. */
void qe_transpose_conv_s16(const qe_transpose_conv_params *params, const int16_t *input,
                           int16_t *output);

/** @brief As qe_transpose_conv_s16() with 4-bit weights. */
void qe_transpose_conv_s16_w4(const qe_transpose_conv_params *params, const int16_t *input,
                              int16_t *output);

#endif /* QE_TRANSPOSE_CONV_H */

/**
 * @file qe_depthwise_conv_compact.h
 * @brief DEPTHWISE_CONV_2D in little code, in place. How it works: docs/kernels-compact.md.
 */
#ifndef QE_DEPTHWISE_CONV_COMPACT_H
#define QE_DEPTHWISE_CONV_COMPACT_H

#include "qe_compact.h"

/** Parameters of one layer; the exporter fills them. */
typedef struct {
    qe_compact_filters filters;
    qe_compact_size input;
    uint16_t input_c;
    uint16_t channel_outputs; /**< Output channels of one input channel. */
    qe_compact_size output, kernel, stride, dilation;
    qe_compact_size padding; /**< Before the first row and column. */
    uint16_t band;           /**< Output rows computed between two fillings of the window. */
    uint16_t row_values;     /**< Of the window: a padded input row. */
} qe_depthwise_conv_compact_params;

/**
 * @brief Kernels of any size, stride and dilation.
 *
 * @param input    [h][w][c]
 * @param output   [h][w][c]; may be the input where the exporter says so.
 * @param scratch  2 * row_values * ((band - 1) * stride.h + (kernel.h - 1) * dilation.h + 1) bytes,
 *                 aligned to 2.
 */
void qe_depthwise_conv_compact(const qe_depthwise_conv_compact_params *params, const int8_t *input,
                               int8_t *output, void *scratch);

/** @brief The same for 3x3 kernels without dilation, with the same stride in both directions. */
void qe_depthwise_conv_3x3_compact(const qe_depthwise_conv_compact_params *params,
                                   const int8_t *input, int8_t *output, void *scratch);

#endif /* QE_DEPTHWISE_CONV_COMPACT_H */

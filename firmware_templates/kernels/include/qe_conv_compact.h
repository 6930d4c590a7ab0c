/**
 * @file qe_conv_compact.h
 * @brief CONV_2D in little code and little memory. How it works: docs/kernels-compact.md.
 */
#ifndef QE_CONV_COMPACT_H
#define QE_CONV_COMPACT_H

#include "qe_compact.h"

/** Parameters of one layer; the exporter fills them. */
typedef struct {
    qe_compact_filters filters;
    qe_compact_size input;
    uint16_t input_c;
    qe_compact_size output, kernel, stride;
    uint16_t dilation_h;     /**< That of the width is 1. */
    qe_compact_size padding; /**< Before the first row and column. */
} qe_conv_compact_params;

/**
 * @brief Any convolution of one group that is not dilated in width.
 *
 * @param input    [h][w][c]
 * @param output   [h][w][c]; a pixel is written when its window has been read.
 * @param scratch  filters.taps bytes.
 */
void qe_conv_compact(const qe_conv_compact_params *params, const int8_t *input, int8_t *output,
                     void *scratch);

/**
 * @brief The same, two pixels at a time; the filters' input_zero_point is 0.
 *
 * @param scratch  2 * filters.taps bytes.
 */
void qe_conv_pairs_compact(const qe_conv_compact_params *params, const int8_t *input,
                           int8_t *output, void *scratch);

#endif /* QE_CONV_COMPACT_H */

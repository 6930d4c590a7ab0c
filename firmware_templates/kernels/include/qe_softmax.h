/**
 * @file qe_softmax.h
 * @brief Softmax over rows of int8, fixed-point exponentials.
 */
#ifndef QE_SOFTMAX_H
#define QE_SOFTMAX_H

#include "qe_types.h"

/** One layer. */
typedef struct {
    int32_t rows;       /**< >= 1 */
    int32_t classes;    /**< [1, 4095]; values of a row */
    int32_t multiplier; /**< [2^30, 2^31): with shift, beta * input scale * 2^26 */
    int32_t shift;      /**< [0, 31]; to the left */
    int32_t diff_min;   /**< <= 0; values further than this below the largest count as 0 */
} qe_softmax_params;

/**
 * @brief Run one layer.
 *
 * @param params  Validated by the exporter.
 * @param input   [rows, classes]; may be @p output, no other overlap.
 * @param output  [rows, classes]; scale 2^-8, zero point -128.
 */
void qe_softmax_s8(const qe_softmax_params *params, const int8_t *input, int8_t *output);

/**
 * @brief As qe_softmax_s8() to int16: scale 2^-16, zero point -32768.
 *
 * @param output  Must not overlap @p input.
 */
void qe_softmax_s8_s16(const qe_softmax_params *params, const int8_t *input, int16_t *output);

#endif /* QE_SOFTMAX_H */

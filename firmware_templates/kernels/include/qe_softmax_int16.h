/**
 * @file qe_softmax_int16.h
 * @brief Softmax over rows of int16, exponential and reciprocal from tables.
 */
#ifndef QE_SOFTMAX_INT16_H
#define QE_SOFTMAX_INT16_H

#include "qe_fixedpoint.h"

/** One layer. */
typedef struct {
    int32_t rows;                    /**< >= 1 */
    int32_t classes;                 /**< [1, 65536]; values of a row */
    qe_scale scale;                  /**< beta * input scale in steps of 10 / 65535 */
    const int16_t *exp_table;        /**< [513] >= 0; exp(x) for x in [-10, 0] */
    const int16_t *reciprocal_table; /**< [513] >= 0; 1 / (1 + x) for x in [0, 1] */
} qe_softmax_int16_params;

/**
 * @brief Run one layer.
 *
 * @param params  Validated by the exporter.
 * @param input   [rows, classes]; may be @p output, no other overlap.
 * @param output  [rows, classes]; scale 2^-15, zero point 0.
 */
void qe_softmax_int16(const qe_softmax_int16_params *params, const int16_t *input, int16_t *output);

#endif /* QE_SOFTMAX_INT16_H */

/**
 * @file qe_fully_connected.h
 * @brief Rows of the input times a matrix of weights.
 */
#ifndef QE_FULLY_CONNECTED_H
#define QE_FULLY_CONNECTED_H

#include "qe_fixedpoint.h"

/** One layer. */
typedef struct {
    int32_t rows;                 /**< >= 1 */
    int32_t inputs;               /**< I >= 1 */
    int32_t outputs;              /**< O >= 1 */
    int32_t input_zero_point;     /**< In the range of the input type */
    const QE_ROM int8_t *weights; /**< [O, I]; _w4: two in a byte, see qe_weight() */
    qe_output_stage stage;        /**< Of O channels */
} qe_fully_connected_params;

/**
 * @brief Run one layer, int8 activations and weights.
 *
 * @param params  Validated by the exporter.
 * @param input   [rows, I]; must not overlap @p output.
 * @param output  [rows, O]; sums are exact, then qe_requantize() and the clamp.
 */
void qe_fully_connected_s8(const qe_fully_connected_params *params, const int8_t *input,
                           int8_t *output);

/** @brief As qe_fully_connected_s8() with 4-bit weights. */
void qe_fully_connected_s8_w4(const qe_fully_connected_params *params, const int8_t *input,
                              int8_t *output);

/** @brief As qe_fully_connected_s8() with int16 activations. */
void qe_fully_connected_s16(const qe_fully_connected_params *params, const int16_t *input,
                            int16_t *output);

/** @brief As qe_fully_connected_s16() with 4-bit weights. */
void qe_fully_connected_s16_w4(const qe_fully_connected_params *params, const int16_t *input,
                               int16_t *output);

#endif /* QE_FULLY_CONNECTED_H */

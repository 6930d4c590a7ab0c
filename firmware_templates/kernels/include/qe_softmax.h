/**
 * @file qe_softmax.h
 * @brief Softmax over rows of int8, fixed-point exponentials.
 */
#ifndef QE_SOFTMAX_H
#define QE_SOFTMAX_H

#include "qe_exp.h"

/** One layer. */
typedef struct {
    int32_t rows;     /**< >= 1 */
    qe_exponents row; /**< Steps of beta * input scale */
} qe_softmax_params;

/**
 * @brief Run one layer.
 *
 * @param params  Validated by the exporter.
 * @param input   [rows, count]; may be @p output, no other overlap.
 * @param output  [rows, count]; scale 2^-8, zero point -128.
 */
void qe_softmax_s8(const qe_softmax_params *params, const int8_t *input, int8_t *output);

/**
 * @brief As qe_softmax_s8() to int16: scale 2^-16, zero point -32768.
 *
 * @param output  Must not overlap @p input.
 */
void qe_softmax_s8_s16(const qe_softmax_params *params, const int8_t *input, int16_t *output);

#endif /* QE_SOFTMAX_H */

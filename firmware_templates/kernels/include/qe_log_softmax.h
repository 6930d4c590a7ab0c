/**
 * @file qe_log_softmax.h
 * @brief Logarithm of softmax over rows of int8, in fixed point.
 */
#ifndef QE_LOG_SOFTMAX_H
#define QE_LOG_SOFTMAX_H

#include "qe_exp.h"
#include "qe_fixedpoint.h"

/** One layer. */
typedef struct {
    int32_t rows;     /**< >= 1 */
    qe_exponents row; /**< Steps of beta * input scale */
    qe_scale reverse; /**< Of the sum's logarithm back to input steps; not QE_ROUND_WIDE */
} qe_log_softmax_params;

/**
 * @brief Run one layer.
 *
 * @param params  Validated by the exporter.
 * @param input   [rows, count]; may be @p output, no other overlap.
 * @param output  [rows, count]; scale 2^-4, zero point 127.
 */
void qe_log_softmax_s8(const qe_log_softmax_params *params, const int8_t *input, int8_t *output);

#endif /* QE_LOG_SOFTMAX_H */

/**
 * @file qe_sigmoid.h
 * @brief Logistic function and hyperbolic tangent of int16, interpolated in a table.
 */
#ifndef QE_SIGMOID_H
#define QE_SIGMOID_H

#include "qe_types.h"

/** How an input is scaled: (x * multiplier + 2^shift / 2) >> shift counts steps of 1/12288. */
typedef struct {
    int32_t multiplier;    /**< [0, 2^15) */
    int32_t shift;         /**< [0, 31] */
    const uint16_t *table; /**< [256]; 2^16 / (1 + exp(-i / 24)) */
} qe_sigmoid_scale;

/** One layer. */
typedef struct {
    int32_t count; /**< >= 1 */
    int32_t tanh;  /**< 1: hyperbolic tangent; 0: logistic function */
    qe_sigmoid_scale scale;
} qe_sigmoid_params;

/** @brief 1 / (1 + exp(-x)). @return Q0.15. */
int32_t qe_logistic(const qe_sigmoid_scale *scale, int32_t x);

/** @brief tanh(x) = 2 / (1 + exp(-2 x)) - 1. @return Q0.15. */
int32_t qe_tanh(const qe_sigmoid_scale *scale, int32_t x);

/**
 * @brief Run one layer.
 *
 * @param params  Validated by the exporter.
 * @param input   [count]; may be @p output, no other overlap.
 * @param output  [count]; scale 2^-15, zero point 0.
 */
void qe_sigmoid_s16(const qe_sigmoid_params *params, const int16_t *input, int16_t *output);

#endif /* QE_SIGMOID_H */

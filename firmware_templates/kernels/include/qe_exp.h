/**
 * @file qe_exp.h
 * @brief Exponential and reciprocal in fixed point. Normative text: docs/arithmetic.md, section 4.
 */
#ifndef QE_EXP_H
#define QE_EXP_H

#include "qe_types.h"

/**
 * @brief exp(x) for x <= 0.
 *
 * @param x  Q5.26, in (-32, 0].
 * @return   Q0.31, in [0, 2^31 - 1].
 */
int32_t qe_exp_q5(int32_t x);

/**
 * @brief 1 / (1 + x).
 *
 * @param x  Q0.31, in [0, 1).
 * @return   Q0.31.
 */
int32_t qe_one_over_one_plus(int32_t x);

/** Differences of a row of int8 to its largest value, as exponents. */
typedef struct {
    int32_t count;      /**< [1, 4095]; values of the row */
    int32_t multiplier; /**< [2^30, 2^31): with shift, the size of a step in Q5.26 */
    int32_t shift;      /**< [0, 31]; to the left */
    int32_t diff_min;   /**< <= 0; differences below it count as minus infinity */
} qe_exponents;

/** @brief The exponent, Q5.26, of a value @p difference <= 0 steps above the largest. */
int32_t qe_exponent(const qe_exponents *by, int32_t difference);

/** @brief Largest value of a row. */
int32_t qe_row_maximum(const int8_t *row, int32_t count);

/** @brief Sum of the exponentials of a row, Q12.19; at least 2^19: the largest contributes 1. */
int32_t qe_row_sum(const qe_exponents *by, const int8_t *row, int32_t largest);

#endif /* QE_EXP_H */

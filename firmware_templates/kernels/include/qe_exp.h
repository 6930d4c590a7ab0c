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

#endif /* QE_EXP_H */

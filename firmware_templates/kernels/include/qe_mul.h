/**
 * @file qe_mul.h
 * @brief Product of two arrays, with broadcasting.
 */
#ifndef QE_MUL_H
#define QE_MUL_H

#include "qe_binary.h"
#include "qe_fixedpoint.h"

/** One layer. */
typedef struct {
    qe_pair inputs;
    qe_scale scale;                   /**< Of the product; not QE_ROUND_WIDE */
    int32_t zero_point1, zero_point2; /**< In the range of the type; int16: 0 */
    int32_t output_zero_point;        /**< In the range of the type; added */
    int32_t activation_min, activation_max;
} qe_mul_params;

/**
 * @brief Run one layer on int8.
 *
 * @param params         Validated by the exporter.
 * @param input1,input2  May be @p output where it is not broadcast; no other overlap.
 * @param output         Dense, in the order of the walks.
 */
void qe_mul_s8(const qe_mul_params *params, const int8_t *input1, const int8_t *input2,
               int8_t *output);

/** @brief As qe_mul_s8() on int16. */
void qe_mul_s16(const qe_mul_params *params, const int16_t *input1, const int16_t *input2,
                int16_t *output);

#endif /* QE_MUL_H */

/**
 * @file qe_squared_difference.h
 * @brief Squared difference of two arrays, each on a scale of its own, with broadcasting.
 */
#ifndef QE_SQUARED_DIFFERENCE_H
#define QE_SQUARED_DIFFERENCE_H

#include "qe_binary.h"
#include "qe_fixedpoint.h"

/** One layer. */
typedef struct {
    qe_pair inputs;
    int32_t left_shift;               /**< [0, 7] (int8), 0 (int16): raises both inputs */
    qe_scale scale1, scale2;          /**< At most 1/2; not QE_ROUND_WIDE */
    qe_scale output_scale;            /**< Of the square; not QE_ROUND_WIDE */
    int32_t zero_point1, zero_point2; /**< In the range of the type; int16: 0 */
    int32_t output_zero_point;        /**< In the range of the type; int16: 0 */
    int32_t lowest, highest;          /**< Of the type */
} qe_squared_difference_params;

/**
 * @brief Run one layer on int8.
 *
 * @param params         Validated by the exporter.
 * @param input1,input2  May be @p output where it is not broadcast; no other overlap.
 * @param output         Dense, in the order of the walks; saturated.
 */
void qe_squared_difference_s8(const qe_squared_difference_params *params, const int8_t *input1,
                              const int8_t *input2, int8_t *output);

/** @brief As qe_squared_difference_s8() on int16. */
void qe_squared_difference_s16(const qe_squared_difference_params *params, const int16_t *input1,
                               const int16_t *input2, int16_t *output);

#endif /* QE_SQUARED_DIFFERENCE_H */

/**
 * @file qe_add.h
 * @brief Sum or difference of two arrays, each on a scale of its own, with broadcasting.
 */
#ifndef QE_ADD_H
#define QE_ADD_H

#include "qe_binary.h"
#include "qe_fixedpoint.h"

/** One layer. */
typedef struct {
    qe_pair inputs;
    int32_t subtract;   /**< 1: the second input is subtracted; 0: added */
    int32_t left_shift; /**< [0, 20] (int8), [0, 15] (int16): raises both inputs */
    qe_scale scale1, scale2, output_scale; /**< Shifts <= 0; not QE_ROUND_WIDE */
    int32_t zero_point1, zero_point2;      /**< In the range of the type; subtracted */
    int32_t output_zero_point;             /**< In the range of the type; added */
    int32_t activation_min, activation_max;
} qe_add_params;

/**
 * @brief Run one layer on int8.
 *
 * @param params         Validated by the exporter.
 * @param input1,input2  May be @p output where it is not broadcast; no other overlap.
 * @param output         Dense, in the order of the walks.
 */
void qe_add_s8(const qe_add_params *params, const int8_t *input1, const int8_t *input2,
               int8_t *output);

/** @brief As qe_add_s8() on int16. */
void qe_add_s16(const qe_add_params *params, const int16_t *input1, const int16_t *input2,
                int16_t *output);

#endif /* QE_ADD_H */

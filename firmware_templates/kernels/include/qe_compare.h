/**
 * @file qe_compare.h
 * @brief Truth values of comparisons of two arrays, each on a scale of its own, with broadcasting.
 */
#ifndef QE_COMPARE_H
#define QE_COMPARE_H

#include "qe_binary.h"
#include "qe_fixedpoint.h"

/** One layer. The three results are 0 or 1: they are the comparison. */
typedef struct {
    qe_pair inputs;
    int32_t when_less;                /**< Result where the first value is the smaller one */
    int32_t when_equal;               /**< Result where they are equal */
    int32_t when_greater;             /**< Result where the first value is the larger one */
    int32_t left_shift;               /**< [0, 8]: raises both inputs; int32: 0 */
    qe_scale scale1, scale2;          /**< Shifts <= 0; not QE_ROUND_WIDE; int32: not used */
    int32_t zero_point1, zero_point2; /**< In the range of the type; subtracted */
} qe_compare_params;

/**
 * @brief Run one layer on int8.
 *
 * @param params         Validated by the exporter.
 * @param input1,input2  May be @p output (int8 only) where it is not broadcast; no other overlap.
 * @param output         Dense, in the order of the walks; 0 or 1.
 */
void qe_compare_s8(const qe_compare_params *params, const int8_t *input1, const int8_t *input2,
                   uint8_t *output);

/** @brief As qe_compare_s8() on int32. */
void qe_compare_s32(const qe_compare_params *params, const int32_t *input1, const int32_t *input2,
                    uint8_t *output);

#endif /* QE_COMPARE_H */

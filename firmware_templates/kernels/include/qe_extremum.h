/**
 * @file qe_extremum.h
 * @brief The larger or smaller value of each pair, with broadcasting.
 */
#ifndef QE_EXTREMUM_H
#define QE_EXTREMUM_H

#include "qe_binary.h"

/** One layer; inputs and output have the same scale and zero point. */
typedef struct {
    qe_pair inputs;
    int32_t largest; /**< 1: the larger value; 0: the smaller */
} qe_extremum_params;

/**
 * @brief Run one layer on int8.
 *
 * @param params         Validated by the exporter.
 * @param input1,input2  May be @p output where it is not broadcast; no other overlap.
 * @param output         Dense, in the order of the walks.
 */
void qe_extremum_s8(const qe_extremum_params *params, const int8_t *input1, const int8_t *input2,
                    int8_t *output);

/** @brief As qe_extremum_s8() on int16. */
void qe_extremum_s16(const qe_extremum_params *params, const int16_t *input1, const int16_t *input2,
                     int16_t *output);

/** @brief As qe_extremum_s8() on int32. */
void qe_extremum_s32(const qe_extremum_params *params, const int32_t *input1, const int32_t *input2,
                     int32_t *output);

#endif /* QE_EXTREMUM_H */

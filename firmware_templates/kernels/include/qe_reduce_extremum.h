/**
 * @file qe_reduce_extremum.h
 * @brief Largest or smallest value over axes.
 */
#ifndef QE_REDUCE_EXTREMUM_H
#define QE_REDUCE_EXTREMUM_H

#include "qe_walk.h"

/** One layer; input and output have the same scale and zero point. */
typedef struct {
    qe_walk kept;    /**< From the first value of one output to that of the next */
    qe_walk reduced; /**< Through the values of one output, relative to the first */
    int32_t largest; /**< 1: the largest value; 0: the smallest */
} qe_reduce_extremum_params;

/**
 * @brief Run one layer on int8.
 *
 * @param params  Validated by the exporter.
 * @param input   Must not overlap @p output.
 * @param output  Dense, in the order of `kept`.
 */
void qe_reduce_extremum_s8(const qe_reduce_extremum_params *params, const int8_t *input,
                           int8_t *output);

/** @brief As qe_reduce_extremum_s8() on int16. */
void qe_reduce_extremum_s16(const qe_reduce_extremum_params *params, const int16_t *input,
                            int16_t *output);

#endif /* QE_REDUCE_EXTREMUM_H */

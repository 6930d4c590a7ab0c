/**
 * @file qe_mean.h
 * @brief Average over axes, onto a scale of its own.
 */
#ifndef QE_MEAN_H
#define QE_MEAN_H

#include "qe_fixedpoint.h"
#include "qe_walk.h"

/** One layer. */
typedef struct {
    qe_walk kept;              /**< From the first value of one output to that of the next */
    qe_walk reduced;           /**< Through the values of one output, relative to the first */
    qe_scale scale;            /**< Of the sum; 1 / count is part of it; not QE_ROUND_WIDE */
    int32_t input_zero_point;  /**< In the range of the type; subtracted from every value */
    int32_t output_zero_point; /**< In the range of the type */
} qe_mean_params;

/**
 * @brief Run one layer on int8.
 *
 * @param params  Validated by the exporter.
 * @param input   Must not overlap @p output.
 * @param output  Dense, in the order of `kept`; saturated to the type.
 */
void qe_mean_s8(const qe_mean_params *params, const int8_t *input, int8_t *output);

/** @brief As qe_mean_s8() on int16. */
void qe_mean_s16(const qe_mean_params *params, const int16_t *input, int16_t *output);

#endif /* QE_MEAN_H */

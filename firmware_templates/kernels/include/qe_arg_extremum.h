/**
 * @file qe_arg_extremum.h
 * @brief Position of the largest or smallest value along an axis.
 */
#ifndef QE_ARG_EXTREMUM_H
#define QE_ARG_EXTREMUM_H

#include "qe_types.h"

/** One layer. */
typedef struct {
    int32_t outer;   /**< >= 1; positions of the axes before the reduced one */
    int32_t size;    /**< >= 1; of the reduced axis */
    int32_t inner;   /**< >= 1; positions of the axes behind it */
    int32_t largest; /**< 1: of the largest value; 0: of the smallest */
} qe_arg_extremum_params;

/**
 * @brief Run one layer.
 *
 * @param params  Validated by the exporter.
 * @param input   [outer, size, inner]; must not overlap @p output.
 * @param output  [outer, inner]; the first position, where values are equal.
 */
void qe_arg_extremum_s8(const qe_arg_extremum_params *params, const int8_t *input, int32_t *output);

#endif /* QE_ARG_EXTREMUM_H */

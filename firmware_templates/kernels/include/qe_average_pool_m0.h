/**
 * @file qe_average_pool_m0.h
 * @brief AVERAGE_POOL_2D of images stored plane by plane, for cores without DSP instructions.
 */
#ifndef QE_AVERAGE_POOL_M0_H
#define QE_AVERAGE_POOL_M0_H

#include "qe_types.h"

/** Parameters of one layer; the exporter fills them. */
typedef struct {
    qe_shape input, output;
    qe_size window, stride;
    qe_size padding;          /**< Before the first row and column. */
    int32_t minimum, maximum; /**< Clamp of the output. */
} qe_average_pool_m0_params;

/**
 * @brief Run one layer.
 *
 * @param input   [c][h][w]
 * @param output  [c][h][w]
 */
void qe_average_pool_planar_m0(const qe_average_pool_m0_params *params, const int8_t *input,
                               int8_t *output);

#endif /* QE_AVERAGE_POOL_M0_H */

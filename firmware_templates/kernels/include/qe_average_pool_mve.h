/**
 * @file qe_average_pool_mve.h
 * @brief AVERAGE_POOL_2D on cores with Helium: eight channels at a time.
 */
#ifndef QE_AVERAGE_POOL_MVE_H
#define QE_AVERAGE_POOL_MVE_H

#include "qe_mve.h"
#include "qe_types.h"

/** Parameters of one layer; the exporter fills them. */
typedef struct {
    qe_shape input, output;
    qe_size window, stride;
    qe_size padding; /**< Before the first row and column. */
    qe_mve_output quantization;
} qe_average_pool_mve_params;

/**
 * @brief Windows of at most 256 pixels.
 *
 * @param input   [h][w][c]
 * @param output  [h][w][c]
 */
void qe_average_pool_mve(const qe_average_pool_mve_params *params, const int8_t *input,
                         int8_t *output);

#endif /* QE_AVERAGE_POOL_MVE_H */

/**
 * @file qe_average_pool_compact.h
 * @brief AVERAGE_POOL_2D of int8 images in little code.
 */
#ifndef QE_AVERAGE_POOL_COMPACT_H
#define QE_AVERAGE_POOL_COMPACT_H

#include "qe_compact.h"

/** Parameters of one layer; the exporter fills them. */
typedef struct {
    qe_compact_size input, output, window, stride;
    qe_compact_size padding; /**< Before the first row and column. */
    uint16_t channels;
    int8_t minimum, maximum; /**< Clamp of the output. */
} qe_average_pool_compact_params;

/**
 * @brief Run one layer.
 *
 * @param input   [h][w][channels]
 * @param output  [h][w][channels]
 */
void qe_average_pool_compact(const qe_average_pool_compact_params *params, const int8_t *input,
                             int8_t *output);

#endif /* QE_AVERAGE_POOL_COMPACT_H */

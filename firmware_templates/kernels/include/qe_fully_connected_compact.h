/**
 * @file qe_fully_connected_compact.h
 * @brief FULLY_CONNECTED in little code and no scratch. How it works: docs/kernels-compact.md.
 */
#ifndef QE_FULLY_CONNECTED_COMPACT_H
#define QE_FULLY_CONNECTED_COMPACT_H

#include "qe_compact.h"

/** Parameters of one layer; the exporter fills them. */
typedef struct {
    qe_compact_filters filters; /**< Its taps are the inputs: a multiple of four. */
    uint16_t rows;
} qe_fully_connected_compact_params;

/**
 * @brief Run one layer.
 *
 * @param input   [rows][inputs]
 * @param output  [rows][outputs]
 */
void qe_fully_connected_compact(const qe_fully_connected_compact_params *params,
                                const int8_t *input, int8_t *output);

#endif /* QE_FULLY_CONNECTED_COMPACT_H */

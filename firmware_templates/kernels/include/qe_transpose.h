/**
 * @file qe_transpose.h
 * @brief Another order of the axes.
 */
#ifndef QE_TRANSPOSE_H
#define QE_TRANSPOSE_H

#include "qe_copy.h"

/** One layer. */
typedef struct {
    qe_walk walk;          /**< Through the input, in the order of the output */
    int32_t element_bytes; /**< >= 1 */
} qe_transpose_params;

/**
 * @brief Run one layer on values of any type.
 *
 * @param params  Validated by the exporter.
 * @param input   Must not overlap @p output.
 * @param output  Dense.
 */
void qe_transpose(const qe_transpose_params *params, const void *input, void *output);

#endif /* QE_TRANSPOSE_H */

/**
 * @file qe_strided_slice.h
 * @brief Every n-th value from a position on, along each axis.
 */
#ifndef QE_STRIDED_SLICE_H
#define QE_STRIDED_SLICE_H

#include "qe_copy.h"

/** One layer. */
typedef struct {
    qe_walk walk;          /**< Through the input, in the order of the output */
    int32_t first;         /**< >= 0; the element that the walk starts at */
    int32_t element_bytes; /**< >= 1 */
} qe_strided_slice_params;

/**
 * @brief Run one layer on values of any type.
 *
 * @param params  Validated by the exporter.
 * @param input   Must not overlap @p output.
 * @param output  Dense.
 */
void qe_strided_slice(const qe_strided_slice_params *params, const void *input, void *output);

#endif /* QE_STRIDED_SLICE_H */

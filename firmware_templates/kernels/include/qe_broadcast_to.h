/**
 * @file qe_broadcast_to.h
 * @brief A tensor repeated along axes.
 */
#ifndef QE_BROADCAST_TO_H
#define QE_BROADCAST_TO_H

#include "qe_copy.h"

/** One layer. */
typedef struct {
    qe_walk walk;          /**< Through the input, in the order of the output */
    int32_t element_bytes; /**< >= 1 */
} qe_broadcast_to_params;

/**
 * @brief Run one layer on values of any type.
 *
 * @param params  Validated by the exporter.
 * @param input   Must not overlap @p output.
 * @param output  Dense.
 */
void qe_broadcast_to(const qe_broadcast_to_params *params, const void *input, void *output);

#endif /* QE_BROADCAST_TO_H */

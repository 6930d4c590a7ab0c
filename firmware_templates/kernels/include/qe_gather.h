/**
 * @file qe_gather.h
 * @brief Slices of any type picked at constant positions of an axis.
 */
#ifndef QE_GATHER_H
#define QE_GATHER_H

#include "qe_types.h"

/** One layer. */
typedef struct {
    int32_t repeats;          /**< >= 1; positions of the axes before the picked one */
    int32_t size;             /**< >= 1; of the axis in the input */
    int32_t slice_bytes;      /**< >= 1; of the axes behind it */
    int32_t count;            /**< >= 1; slices picked */
    const int32_t *positions; /**< [count]; each in [0, size) */
} qe_gather_params;

/**
 * @brief Run one layer.
 *
 * @param params  Validated by the exporter.
 * @param input   [repeats, size, slice_bytes]; must not overlap @p output.
 * @param output  [repeats, count, slice_bytes]
 */
void qe_gather(const qe_gather_params *params, const void *input, void *output);

#endif /* QE_GATHER_H */

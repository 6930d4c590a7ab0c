/**
 * @file qe_gather_at.h
 * @brief Slices of any type picked at positions of an axis that are an input.
 */
#ifndef QE_GATHER_AT_H
#define QE_GATHER_AT_H

#include "qe_types.h"

/** One layer. */
typedef struct {
    int32_t batches;     /**< >= 1; places of the leading axes, each with positions of its own */
    int32_t repeats;     /**< >= 1; places of the axes between those and the picked one */
    int32_t size;        /**< >= 1; of the picked axis in the input */
    int32_t slice_bytes; /**< >= 1; of the axes behind it */
    int32_t count;       /**< >= 1; positions of one batch */
} qe_gather_at_params;

/**
 * @brief Run one layer.
 *
 * @param params     Validated by the exporter.
 * @param input      [batches, repeats, size, slice_bytes]; must not overlap @p output.
 * @param positions  [batches, count]; any: outside of the axis its nearest end is taken.
 * @param output     [batches, repeats, count, slice_bytes]
 */
void qe_gather_at(const qe_gather_at_params *params, const void *input, const int32_t *positions,
                  void *output);

#endif /* QE_GATHER_AT_H */

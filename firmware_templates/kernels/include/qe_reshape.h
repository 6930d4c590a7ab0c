/**
 * @file qe_reshape.h
 * @brief The same bytes elsewhere: needed only where the output could not take the input's place.
 */
#ifndef QE_RESHAPE_H
#define QE_RESHAPE_H

#include "qe_types.h"

/** One layer. */
typedef struct {
    int32_t bytes; /**< >= 1 */
} qe_reshape_params;

/**
 * @brief Copy a tensor.
 *
 * @param input   Must not overlap @p output, unless both are the same.
 * @param output  Of the same size.
 */
void qe_reshape(const qe_reshape_params *params, const void *input, void *output);

#endif /* QE_RESHAPE_H */

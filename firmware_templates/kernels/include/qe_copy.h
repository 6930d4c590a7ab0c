/**
 * @file qe_copy.h
 * @brief Copies values of any type out of a strided array.
 */
#ifndef QE_COPY_H
#define QE_COPY_H

#include "qe_walk.h"

/**
 * @brief Copy the values along a walk.
 *
 * @param walk           Its strides may be negative or 0.
 * @param element_bytes  >= 1
 * @param input          Where the walk starts; must not overlap @p output.
 * @param output         Dense.
 */
void qe_copy_walk(const qe_walk *walk, int32_t element_bytes, const void *input, void *output);

#endif /* QE_COPY_H */

/**
 * @file qe_fill.h
 * @brief Fill state with its reset value.
 */
#ifndef QE_FILL_H
#define QE_FILL_H

#include "qe_types.h"

/**
 * @brief Set every element of an array to one value.
 *
 * @param data           [count], aligned to its elements.
 * @param value          In the range of an element.
 * @param element_bytes  1, 2 or 4.
 */
void qe_fill(void *data, int32_t value, uint32_t count, uint32_t element_bytes);

#endif /* QE_FILL_H */

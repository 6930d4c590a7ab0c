/**
 * @file qe_add_compact.h
 * @brief ADD of two int8 arrays in little code.
 */
#ifndef QE_ADD_COMPACT_H
#define QE_ADD_COMPACT_H

#include "qe_compact.h"

/** An input: raised to the left, then scaled. */
typedef struct {
    int32_t multiplier;
    int8_t zero_point;
    uint8_t left_shift;
    uint8_t shift; /**< To the right, in [1, 30]. */
} qe_add_compact_input;

/** Parameters of one layer that rounds twice; the exporter fills them. */
typedef struct {
    int32_t count; /**< Elements. */
    qe_add_compact_input input1, input2;
    int32_t multiplier; /**< Of the sum. */
    uint8_t shift;      /**< To the right, in [1, 30]. */
    int8_t zero_point;  /**< Of the output. */
    int8_t minimum, maximum;
} qe_add_compact_params;

/**
 * @brief Add two arrays of the same shape.
 *
 * @param input1  [count], in any order that is the other's too.
 * @param input2  [count]
 * @param output  [count]; may be either input.
 */
void qe_add_compact(const qe_add_compact_params *params, const int8_t *input1, const int8_t *input2,
                    int8_t *output);

#endif /* QE_ADD_COMPACT_H */

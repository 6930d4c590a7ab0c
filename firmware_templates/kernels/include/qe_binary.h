/**
 * @file qe_binary.h
 * @brief Elementwise operations on two arrays, with broadcasting.
 */
#ifndef QE_BINARY_H
#define QE_BINARY_H

#include "qe_elements.h"
#include "qe_walk.h"

/** The inputs of a layer, walked side by side in the output's order: same extents and run. */
typedef struct {
    qe_walk walk1, walk2;
} qe_pair;

/** @brief One output value; @p params is the layer. */
typedef int32_t (*qe_binary_function)(const void *params, int32_t x1, int32_t x2);

/**
 * @brief Apply a function to all pairs of values: int8 (1 byte), int16 (2) or int32 (4).
 *
 * @param output           Dense; may be an input that is not broadcast and as large.
 * @param x_bytes,y_bytes  Of a value of the inputs, of the output.
 */
QE_TEMPLATE void qe_apply(qe_binary_function function, const void *params, const qe_pair *pair,
                          const void *input1, const void *input2, void *output, int32_t x_bytes,
                          int32_t y_bytes)
{
    int32_t index[QE_WALK_MAX_RANK] = {0};
    int32_t at1 = 0;
    int32_t at2 = 0;
    int32_t y_at = 0;
    int32_t axis;
    do {
        int32_t x1 = at1;
        int32_t x2 = at2;
        for (int32_t i = 0; i < pair->walk1.run; ++i) {
            const int32_t value1 = qe_load(input1, x1, x_bytes);
            const int32_t value2 = qe_load(input2, x2, x_bytes);
            qe_store(output, y_at++, function(params, value1, value2), y_bytes);
            x1 += pair->walk1.run_stride;
            x2 += pair->walk2.run_stride;
        }
        axis = qe_walk_next(&pair->walk1, index);
        if (axis >= 0) {
            at1 += pair->walk1.steps[axis];
            at2 += pair->walk2.steps[axis];
        }
    } while (axis >= 0);
}

#endif /* QE_BINARY_H */

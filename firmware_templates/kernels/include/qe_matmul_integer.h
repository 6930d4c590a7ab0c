/**
 * @file qe_matmul_integer.h
 * @brief Product of two activations, matrix by matrix, that ends with its sums.
 */
#ifndef QE_MATMUL_INTEGER_H
#define QE_MATMUL_INTEGER_H

#include "qe_binary.h"

/** One layer. */
typedef struct {
    qe_pair matrices; /**< From matrix to matrix, in values; same extents and run */
    int32_t rows;     /**< >= 1; of the output and the first factor */
    int32_t columns;  /**< >= 1; of the output and the second factor */
    int32_t depth;    /**< [1, 33025]; products of a sum */
} qe_matmul_integer_params;

/**
 * @brief Run one layer.
 *
 * @param params                   Validated by the exporter.
 * @param input1,input2            [..., rows, depth], [..., depth, columns]; must not overlap
 *                                 @p output.
 * @param zero_point1,zero_point2  [1]
 * @param output                   [..., rows, columns]; exact.
 */
void qe_matmul_integer_s8(const qe_matmul_integer_params *params, const int8_t *input1,
                          const int8_t *input2, const int8_t *zero_point1,
                          const int8_t *zero_point2, int32_t *output);

#endif /* QE_MATMUL_INTEGER_H */

/**
 * @file qe_dequantize.h
 * @brief Integers to the real numbers they stand for.
 */
#ifndef QE_DEQUANTIZE_H
#define QE_DEQUANTIZE_H

#include "qe_number.h"

/** One layer. */
typedef struct {
    int32_t count;      /**< >= 1 */
    int32_t input_type; /**< QE_INT8, ... */
    float scale;        /**< Finite, > 0 */
    int32_t zero_point; /**< In the range of the input type */
} qe_dequantize_params;

/**
 * @brief Run one layer: scale * (x - zero_point), every step rounded to float.
 *
 * @param input   [count]; must not overlap @p output.
 * @param output  [count]
 */
void qe_dequantize(const qe_dequantize_params *params, const void *input, float *output);

#endif /* QE_DEQUANTIZE_H */

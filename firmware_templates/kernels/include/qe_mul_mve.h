/**
 * @file qe_mul_mve.h
 * @brief MUL on cores with Helium: the definition, four elements at a time.
 */
#ifndef QE_MUL_MVE_H
#define QE_MUL_MVE_H

#include "qe_mve.h"
#include "qe_types.h"

/** Parameters of one layer; the exporter fills them. */
typedef struct {
    int32_t count; /**< Elements. */
    int32_t zero_point1, zero_point2;
    int32_t multiplier; /**< In [2^30, 2^31), or 0. */
    int32_t shift;      /**< <= 0 */
    qe_mve_output quantization;
} qe_mul_mve_params;

/**
 * @brief Multiply two arrays of the same shape.
 *
 * @param input1  [count], in any order that is the other's too.
 * @param input2  [count]
 * @param output  [count]; may be either input.
 */
void qe_mul_mve(const qe_mul_mve_params *params, const int8_t *input1, const int8_t *input2,
                int8_t *output);

#endif /* QE_MUL_MVE_H */

/**
 * @file qe_dynamic_quantize.h
 * @brief Real numbers to int8, on a scale that their own range gives.
 */
#ifndef QE_DYNAMIC_QUANTIZE_H
#define QE_DYNAMIC_QUANTIZE_H

#include "qe_types.h"

/** One layer. */
typedef struct {
    int32_t count; /**< >= 1 */
} qe_dynamic_quantize_params;

/**
 * @brief Run one layer; ties go to even numbers, every step is rounded to float.
 *
 * @param input       [count]; must not overlap the outputs. NaN becomes the smallest value.
 * @param output      [count]
 * @param scale       [1]; real size of a step of @p output
 * @param zero_point  [1]; the value of @p output that stands for 0
 */
void qe_dynamic_quantize(const qe_dynamic_quantize_params *params, const float *input,
                         int8_t *output, float *scale, int8_t *zero_point);

#endif /* QE_DYNAMIC_QUANTIZE_H */

/**
 * @file qe_quantize.h
 * @brief Real numbers to integers, or integers of one scale to another.
 */
#ifndef QE_QUANTIZE_H
#define QE_QUANTIZE_H

#include "qe_fixedpoint.h"
#include "qe_number.h"

/** A layer of integer input. */
typedef struct {
    int32_t count;       /**< >= 1 */
    int32_t input_type;  /**< QE_INT8, ... */
    int32_t output_type; /**< QE_INT8, ... */
    qe_scale scale;      /**< Input scale / output scale */
    int32_t input_zero_point;
    int32_t output_zero_point;
} qe_quantize_params;

/** A layer of float input. */
typedef struct {
    int32_t count;       /**< >= 1 */
    int32_t output_type; /**< QE_INT8, ... */
    float scale;         /**< Finite, > 0: real size of an output step */
    int32_t output_zero_point;
} qe_quantize_f32_params;

/**
 * @brief Run one layer of integer input.
 *
 * @param input   [count]; may be @p output if an element of it has the same size.
 * @param output  [count]; saturated.
 */
void qe_quantize(const qe_quantize_params *params, const void *input, void *output);

/**
 * @brief Run one layer of float input: x / scale to nearest, ties away from zero.
 *
 * @param input   [count]; infinities saturate, NaN gives the smallest value.
 * @param output  [count]; saturated.
 */
void qe_quantize_f32(const qe_quantize_f32_params *params, const float *input, void *output);

#endif /* QE_QUANTIZE_H */

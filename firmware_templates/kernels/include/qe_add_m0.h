/**
 * @file qe_add_m0.h
 * @brief ADD of two int8 arrays on cores without DSP instructions: inputs are scaled by tables.
 */
#ifndef QE_ADD_M0_H
#define QE_ADD_M0_H

#include "qe_fixedpoint.h"
#include "qe_types.h"

/** An input: raised to the left, then scaled. */
typedef struct {
    int32_t zero_point;
    int32_t multiplier; /**< In [2^30, 2^31), or 0. */
    int32_t shift;      /**< <= 0 */
} qe_add_m0_input;

/** Parameters of one layer that rounds twice; the exporter fills them. */
typedef struct {
    int32_t count; /**< Elements. */
    int32_t left_shift;
    qe_add_m0_input input1, input2;
    int32_t multiplier; /**< Of the sum. */
    int32_t shift;      /**< <= 0 */
    int32_t zero_point; /**< Of the output. */
    int32_t minimum, maximum;
} qe_add_m0_params;

/**
 * @brief Add two arrays of the same shape.
 *
 * @param input1   [count], in any order that is the other's too.
 * @param input2   [count]
 * @param output   [count]; may be either input.
 * @param scratch  2048 bytes, aligned to 4.
 */
void qe_add_m0(const qe_add_m0_params *params, const int8_t *input1, const int8_t *input2,
               int8_t *output, void *scratch);

#endif /* QE_ADD_M0_H */

/**
 * @file qe_add_mve.h
 * @brief ADD on cores with Helium. How it works: docs/kernels-cortex-m55.md.
 */
#ifndef QE_ADD_MVE_H
#define QE_ADD_MVE_H

#include "qe_mve.h"
#include "qe_types.h"

/** Parameters of a layer that is rounded once; the exporter has tried every pair of inputs. */
typedef struct {
    int32_t count; /**< Elements. */
    int32_t multiplier1, multiplier2, offset;
    int32_t scale; /**< Over 2^31, of multiplier1 * x1 + multiplier2 * x2 + offset. */
    qe_mve_output quantization;
} qe_add_plane_mve_params;

/** An input: raised to the left, then scaled. */
typedef struct {
    int32_t zero_point;
    int32_t multiplier; /**< In [2^30, 2^31), or 0. */
    int32_t shift;      /**< <= 0 */
} qe_add_mve_input;

/** Parameters of any layer; the exporter fills them. */
typedef struct {
    int32_t count; /**< Elements. */
    int32_t left_shift;
    qe_add_mve_input input1, input2;
    int32_t multiplier; /**< Of the sum. */
    int32_t shift;      /**< <= 0 */
    qe_mve_output quantization;
} qe_add_mve_params;

/**
 * @brief Add two arrays of the same shape.
 *
 * @param input1  [count], in any order that is the other's too.
 * @param input2  [count]
 * @param output  [count]; may be either input.
 */
void qe_add_plane_mve(const qe_add_plane_mve_params *params, const int8_t *input1,
                      const int8_t *input2, int8_t *output);

/**
 * @brief The same by its definition, four elements at a time.
 *
 * @param input1  [count], in any order that is the other's too.
 * @param input2  [count]
 * @param output  [count]; may be either input.
 */
void qe_add_mve(const qe_add_mve_params *params, const int8_t *input1, const int8_t *input2,
                int8_t *output);

#endif /* QE_ADD_MVE_H */

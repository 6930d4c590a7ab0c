/**
 * @file qe_add_dsp.h
 * @brief ADD on cores with the DSP extension. How it works: docs/kernels-cortex-m4.md.
 */
#ifndef QE_ADD_DSP_H
#define QE_ADD_DSP_H

#include "qe_dsp.h"
#include "qe_types.h"

/** Parameters of one layer; the exporter fills them. x is the input whose scale is exactly one
 *  half, w the other one. */
typedef struct {
    int32_t count;       /**< Elements. */
    int32_t x_is_second; /**< 0: x is input 1; 1: input 2. */
    int32_t x_offset;    /**< -zero point of x * 2^left_shift */
    int32_t w_offset;    /**< -zero point of w * 2^w_left_shift */
    int32_t left_shift;  /**< In [1, 20]. */
    int32_t
        w_left_shift; /**< left_shift + 1; one more if the scale of w is exactly one half too. */
    int32_t w_multiplier; /**< In [2^30, 2^31). */
    int32_t w_half;       /**< 2^(w_shift - 1) */
    int32_t w_shift;      /**< To the right, in [1, 31]. */
    int32_t multiplier;   /**< Of the sum, in [2^30, 2^31). */
    int32_t offset;       /**< 2^(shift - 1) + output zero point * 2^shift */
    int32_t shift;        /**< To the right, in [1, 22]. */
    qe_dsp_output quantization;
} qe_add_dsp_params;

/**
 * @brief Add two arrays of the same shape.
 *
 * @param input1  [count], in any order that is the other's too.
 * @param input2  [count]
 * @param output  [count]; may be either input.
 */
void qe_add_dsp(const qe_add_dsp_params *params, const int8_t *input1, const int8_t *input2,
                int8_t *output);

#endif /* QE_ADD_DSP_H */

/**
 * @file qe_batch_matmul.h
 * @brief Product of two activations, matrix by matrix.
 */
#ifndef QE_BATCH_MATMUL_H
#define QE_BATCH_MATMUL_H

#include "qe_binary.h"
#include "qe_fixedpoint.h"

/** One of the factors. */
typedef struct {
    int32_t outer_stride; /**< In values, along the axis that the output has */
    int32_t inner_stride; /**< In values, along the axis that is summed over */
    int32_t zero_point;   /**< [-128, 127]; int16: 0 */
} qe_factor;

/** One layer. */
typedef struct {
    qe_pair matrices; /**< From matrix to matrix, in values; same extents and run */
    int32_t rows;     /**< >= 1; of the output and the first factor */
    int32_t columns;  /**< >= 1; of the output and the second factor */
    int32_t depth;    /**< [1, 33025], int16: [1, 131071]; products of a sum */
    qe_factor factor1, factor2;
    qe_scale scale;            /**< Of the sums; QE_ROUND_WIDE with int16, else not */
    int32_t output_zero_point; /**< [-128, 127]; int16: 0 */
} qe_batch_matmul_params;

/**
 * @brief Run one layer.
 *
 * @param params         Validated by the exporter.
 * @param input1,input2  Must not overlap @p output.
 * @param output         [..., rows, columns]; saturated.
 */
void qe_batch_matmul_s8(const qe_batch_matmul_params *params, const int8_t *input1,
                        const int8_t *input2, int8_t *output);

/** @copydoc qe_batch_matmul_s8 */
void qe_batch_matmul_s16(const qe_batch_matmul_params *params, const int16_t *input1,
                         const int16_t *input2, int16_t *output);

#endif /* QE_BATCH_MATMUL_H */

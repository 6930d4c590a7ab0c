/**
 * @file qe_l2_normalization.h
 * @brief Rows of int8 scaled to length 1.
 */
#ifndef QE_L2_NORMALIZATION_H
#define QE_L2_NORMALIZATION_H

#include "qe_types.h"

/** One layer. */
typedef struct {
    int32_t rows;             /**< >= 1 */
    int32_t size;             /**< [1, 33025]; values of a row */
    int32_t input_zero_point; /**< [-128, 127] */
} qe_l2_normalization_params;

/**
 * @brief Run one layer.
 *
 * @param params  Validated by the exporter.
 * @param input   [rows, size]; may be @p output, no other overlap.
 * @param output  [rows, size]; scale 2^-7, zero point 0; saturated.
 */
void qe_l2_normalization_s8(const qe_l2_normalization_params *params, const int8_t *input,
                            int8_t *output);

#endif /* QE_L2_NORMALIZATION_H */

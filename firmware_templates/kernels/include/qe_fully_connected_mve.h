/**
 * @file qe_fully_connected_mve.h
 * @brief FULLY_CONNECTED on cores with Helium. How it works: docs/kernels-cortex-m55.md.
 */
#ifndef QE_FULLY_CONNECTED_MVE_H
#define QE_FULLY_CONNECTED_MVE_H

#include "qe_mve.h"
#include "qe_types.h"

/** Parameters of one layer; the exporter fills them. */
typedef struct {
    int32_t rows;    /**< Of the input. */
    int32_t inputs;  /**< Values of one row. */
    int32_t outputs; /**< Of one row. */
    int32_t vectors; /**< inputs / 16, rounded up. */
    /** For each four outputs, the last filled up with zeros: for each 16 inputs 16 weights of each
     *  output; then four words of bias - input zero point * sum of weights. */
    const int8_t *blocks;
    const int32_t *scales; /**< Multipliers and shifts (<= 0) of four outputs. */
    int32_t step;          /**< Bytes to those of the next four: 32, or 0 where all are equal. */
    qe_mve_output quantization;
} qe_fully_connected_mve_params;

/**
 * @brief Run one layer whose inputs are whole vectors.
 *
 * @param input   [rows][inputs], aligned to 4
 * @param output  [rows][outputs]
 */
void qe_fully_connected_mve(const qe_fully_connected_mve_params *params, const int8_t *input,
                            int8_t *output);

/**
 * @brief Run one layer of any size.
 *
 * @param scratch  16 * vectors bytes, aligned to 4.
 */
void qe_fully_connected_padded_mve(const qe_fully_connected_mve_params *params, const int8_t *input,
                                   int8_t *output, void *scratch);

#endif /* QE_FULLY_CONNECTED_MVE_H */

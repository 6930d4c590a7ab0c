/**
 * @file qe_fully_connected_m0.h
 * @brief FULLY_CONNECTED on cores without DSP instructions. How it works:
 *        docs/kernels-cortex-m0.md.
 */
#ifndef QE_FULLY_CONNECTED_M0_H
#define QE_FULLY_CONNECTED_M0_H

#include "qe_m0.h"
#include "qe_types.h"

/** Parameters of one layer; the exporter fills them. */
typedef struct {
    int32_t rows;    /**< Of the input. */
    int32_t inputs;  /**< Values of one row. */
    int32_t outputs; /**< Of one row. */
    int32_t taps;    /**< inputs, rounded up to a multiple of four. */
    /** weight + 128 of eight outputs for each tap; the outputs in blocks of eight, rounded up. */
    const uint8_t *weights;
    /** Heads as in qe_m0.h: of every output, or, with head_step 0, one for all. */
    const uint32_t *heads;
    int32_t head_step; /**< Words from a head to the next. */
    const uint32_t
        *bias; /**< Of each output, blocks filled up; the heads' QE_M0_BIAS is not used. */
    qe_m0_output requantization;
} qe_fully_connected_m0_params;

/**
 * @brief Run one layer whose inputs are a multiple of four.
 *
 * @param input    [rows][inputs], aligned to 4.
 * @param output   [rows][outputs]
 */
void qe_fully_connected_m0(const qe_fully_connected_m0_params *params, const int8_t *input,
                           int8_t *output);

/**
 * @brief Run one layer of any size.
 *
 * @param scratch  taps bytes, aligned to 4.
 */
void qe_fully_connected_padded_m0(const qe_fully_connected_m0_params *params, const int8_t *input,
                                  int8_t *output, void *scratch);

#endif /* QE_FULLY_CONNECTED_M0_H */

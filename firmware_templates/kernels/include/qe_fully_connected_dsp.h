/**
 * @file qe_fully_connected_dsp.h
 * @brief FULLY_CONNECTED on cores with the DSP extension. How it works:
 *        docs/kernels-cortex-m4.md.
 */
#ifndef QE_FULLY_CONNECTED_DSP_H
#define QE_FULLY_CONNECTED_DSP_H

#include "qe_dsp.h"
#include "qe_types.h"

/** Parameters of one layer; the exporter fills them. */
typedef struct {
    int32_t rows;    /**< Of the input. */
    int32_t inputs;  /**< Values of one row. */
    int32_t outputs; /**< Of one row. */
    int32_t groups;  /**< inputs / 4, rounded up. */
    /** Four weights as halfwords 256 * w[0] + w[1] and 256 * w[2] + w[3]. Outputs in blocks of six,
     * then of two, then of one: for each group of inputs the words of all outputs of the block. */
    const uint32_t *weights;
    /** 256 * (bias - input zero point * sum of weights) - 127 * sum of odd inputs' weights */
    const int32_t *bias;
    const int32_t *multiplier; /**< [outputs], or [1] with channel_step 0. */
    const uint8_t *shift;      /**< k + 6, likewise. */
    int32_t channel_step;
    qe_dsp_output quantization;
} qe_fully_connected_dsp_params;

/**
 * @brief Run one layer whose inputs are a multiple of four.
 *
 * @param input   [rows][inputs]
 * @param output  [rows][outputs]
 */
void qe_fully_connected_dsp(const qe_fully_connected_dsp_params *params, const int8_t *input,
                            int8_t *output);

/**
 * @brief Run one layer of any size.
 *
 * @param scratch  4 * groups bytes.
 */
void qe_fully_connected_padded_dsp(const qe_fully_connected_dsp_params *params, const int8_t *input,
                                   int8_t *output, void *scratch);

#endif /* QE_FULLY_CONNECTED_DSP_H */

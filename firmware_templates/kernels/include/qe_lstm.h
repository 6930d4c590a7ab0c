/**
 * @file qe_lstm.h
 * @brief Long short-term memory over a sequence: int8 or int16 in and out, int16 gates and cell.
 */
#ifndef QE_LSTM_H
#define QE_LSTM_H

#include "qe_fixedpoint.h"
#include "qe_sigmoid.h"

/** One gate. Both sums are scaled to steps of 2^-12. */
typedef struct {
    const QE_ROM int8_t *input_weights;     /**< [C, I] */
    const QE_ROM int8_t *recurrent_weights; /**< [C, C] */
    const QE_ROM int32_t *bias;             /**< [C]; of the sum over the input */
    const QE_ROM int32_t *bias_high; /**< [C]: upper halves of 64-bit biases (int16), or NULL */
    qe_scale input_scale;            /**< Of int16: QE_ROUND_WIDE; no other here is */
    qe_scale recurrent_scale;
} qe_lstm_gate;

/** One layer of C cells. */
typedef struct {
    int32_t batch;                     /**< >= 1; sequences, each with a state of its own */
    int32_t steps;                     /**< >= 1; of a sequence */
    int32_t features;                  /**< I >= 1 */
    int32_t cells;                     /**< C >= 1 */
    int32_t batch_stride, step_stride; /**< In rows of input and output: to the next of each */
    qe_lstm_gate input_gate, forget_gate, cell_gate, output_gate;
    qe_sigmoid_scale gate_scale; /**< For steps of 2^-12 */
    qe_sigmoid_scale cell_scale; /**< For steps of the cell */
    qe_scale forget_scale;       /**< Of forget gate * cell, to steps of the cell */
    qe_scale update_scale;       /**< Of input gate * cell gate, to steps of the cell */
    qe_scale hidden_scale;       /**< Of output gate * tanh(cell), to steps of the output */
    int32_t cell_clip;           /**< [0, 32768]; largest magnitude of the cell */
    int32_t input_zero_point;    /**< In the range of the input type */
    int32_t hidden_zero_point;   /**< Of output and hidden state, in the range of its type */
} qe_lstm_params;

/**
 * @brief Run a sequence.
 *
 * @param params      Validated by the exporter.
 * @param input       [batch, steps, I], or steps first: see the strides.
 * @param old_hidden  [batch, C]; may be @p new_hidden.
 * @param old_cell    [batch, C]; may be @p new_cell.
 * @param output      As @p input with C values a row; must not overlap anything else.
 * @param new_hidden  [batch, C]
 * @param new_cell    [batch, C]
 */
void qe_lstm_s8(const qe_lstm_params *params, const int8_t *input, const int8_t *old_hidden,
                const int16_t *old_cell, int8_t *output, int8_t *new_hidden, int16_t *new_cell);

/** @brief The same for int16, with 48-bit sums. */
void qe_lstm_s16(const qe_lstm_params *params, const int16_t *input, const int16_t *old_hidden,
                 const int16_t *old_cell, int16_t *output, int16_t *new_hidden, int16_t *new_cell);

#endif /* QE_LSTM_H */

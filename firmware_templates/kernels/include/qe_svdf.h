/**
 * @file qe_svdf.h
 * @brief A filter over features, then one over time with a memory of past results.
 */
#ifndef QE_SVDF_H
#define QE_SVDF_H

#include "qe_fixedpoint.h"

/** One layer. F filters = units * rank, each with a memory of its last M results. */
typedef struct {
    int32_t batch;    /**< >= 1; rows of the input, each with a state of its own */
    int32_t features; /**< I >= 1 */
    int32_t units;    /**< >= 1 */
    int32_t rank;     /**< >= 1 */
    int32_t memory;   /**< M >= 1 */
    const QE_ROM int8_t *feature_weights; /**< [F, I] */
    const void *time_weights;             /**< [F, M]; of the type of the state */
    const int32_t *bias;                  /**< [units] */
    qe_scale state_scale;                 /**< Of the sums over features; not QE_ROUND_WIDE */
    qe_scale output_scale;                /**< Of the sums over time; not QE_ROUND_WIDE */
    int32_t input_zero_point;             /**< [-128, 127] */
    int32_t state_zero_point;             /**< In the range of the state's type */
    int32_t output_zero_point;            /**< [-128, 127] */
} qe_svdf_params;

/**
 * @brief Run one step, int8 state. Sums over time wrap at 32 bits.
 *
 * @param params     Validated by the exporter.
 * @param input      [batch, I]
 * @param old_state  [batch, F, M], oldest results first; may be @p new_state.
 * @param output     [batch, units]; saturated; must not overlap anything else.
 * @param new_state  [batch, F, M]
 */
void qe_svdf_s8(const qe_svdf_params *params, const int8_t *input, const int8_t *old_state,
                int8_t *output, int8_t *new_state);

/** @brief As qe_svdf_s8() with int16 state. */
void qe_svdf_s16(const qe_svdf_params *params, const int8_t *input, const int16_t *old_state,
                 int8_t *output, int16_t *new_state);

#endif /* QE_SVDF_H */

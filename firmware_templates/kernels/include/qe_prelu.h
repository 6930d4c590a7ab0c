/**
 * @file qe_prelu.h
 * @brief Negative values times a slope of their own.
 */
#ifndef QE_PRELU_H
#define QE_PRELU_H

#include "qe_fixedpoint.h"
#include "qe_walk.h"

/** One layer. */
typedef struct {
    qe_walk slopes;            /**< Through `alpha`, in the order of the input */
    const int16_t *alpha;      /**< [-255, 255] each: slopes less their zero point */
    qe_scale positive;         /**< Input scale / output scale; not QE_ROUND_WIDE */
    qe_scale negative;         /**< The same times the scale of the slopes */
    int32_t input_zero_point;  /**< In the range of the type; subtracted */
    int32_t output_zero_point; /**< In the range of the type; added */
} qe_prelu_params;

/**
 * @brief Run one layer on int8.
 *
 * @param params  Validated by the exporter.
 * @param input   May be @p output; no other overlap.
 * @param output  Of the input's size; saturated.
 */
void qe_prelu_s8(const qe_prelu_params *params, const int8_t *input, int8_t *output);

/** @brief As qe_prelu_s8() on int16. */
void qe_prelu_s16(const qe_prelu_params *params, const int16_t *input, int16_t *output);

#endif /* QE_PRELU_H */

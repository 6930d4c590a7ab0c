/**
 * @file qe_average_pool.h
 * @brief Mean of the raw values in a window, ties away from zero; padding is not counted.
 */
#ifndef QE_AVERAGE_POOL_H
#define QE_AVERAGE_POOL_H

#include "qe_window.h"

/** One layer; input and output have the same channels, scale and zero point. */
typedef struct {
    qe_geometry geometry;   /**< Dilation 1; every window sees at least one pixel */
    int32_t activation_min; /**< In the range of the type */
    int32_t activation_max; /**< In the range of the type, >= activation_min */
} qe_average_pool_params;

/**
 * @brief Run one layer on int8.
 *
 * @param params  Validated by the exporter.
 * @param input   [batch, H, W, C]; must not overlap @p output.
 * @param output  [batch, OH, OW, C]
 */
void qe_average_pool_s8(const qe_average_pool_params *params, const int8_t *input, int8_t *output);

/** @brief As qe_average_pool_s8() on int16. */
void qe_average_pool_s16(const qe_average_pool_params *params, const int16_t *input,
                         int16_t *output);

#endif /* QE_AVERAGE_POOL_H */

/**
 * @file qe_resize_bilinear.h
 * @brief Every pixel from the four around its place.
 */
#ifndef QE_RESIZE_BILINEAR_H
#define QE_RESIZE_BILINEAR_H

#include "qe_types.h"

/** Where the rows, or the columns, of the output lie in the input; one element each. */
typedef struct {
    const uint16_t *low;     /**< Position before */
    const uint16_t *high;    /**< Position after */
    const int16_t *fraction; /**< Weight of `high`, in 1/1024; outside [0, 1024] if low = high */
} qe_places;

/** One layer. */
typedef struct {
    int32_t batch;     /**< >= 1; images, one behind the other */
    qe_size input;     /**< H, W; pixels */
    qe_size output;    /**< OH, OW; pixels */
    int32_t channels;  /**< C */
    qe_places rows;    /**< [OH] */
    qe_places columns; /**< [OW] */
    int32_t away;      /**< Ties: 1: away from zero; 0: to +infinity */
} qe_resize_bilinear_params;

/**
 * @brief Run one layer on int8.
 *
 * @param params  Validated by the exporter.
 * @param input   [batch, H, W, C]; must not overlap @p output.
 * @param output  [batch, OH, OW, C]
 */
void qe_resize_bilinear_s8(const qe_resize_bilinear_params *params, const int8_t *input,
                           int8_t *output);

/** @brief As qe_resize_bilinear_s8() on int16. */
void qe_resize_bilinear_s16(const qe_resize_bilinear_params *params, const int16_t *input,
                            int16_t *output);

#endif /* QE_RESIZE_BILINEAR_H */

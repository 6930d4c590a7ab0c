/**
 * @file qe_resize_nearest.h
 * @brief Rows and columns of an image, picked.
 */
#ifndef QE_RESIZE_NEAREST_H
#define QE_RESIZE_NEAREST_H

#include "qe_types.h"

/** One layer. */
typedef struct {
    int32_t batch;           /**< >= 1; images, one behind the other */
    qe_size input;           /**< H, W; pixels */
    qe_size output;          /**< OH, OW; pixels */
    int32_t pixel_bytes;     /**< >= 1 */
    const uint16_t *rows;    /**< [OH]; each in [0, H) */
    const uint16_t *columns; /**< [OW]; each in [0, W) */
} qe_resize_nearest_params;

/**
 * @brief Run one layer on values of any type.
 *
 * @param params  Validated by the exporter.
 * @param input   [batch, H, W, C]; must not overlap @p output.
 * @param output  [batch, OH, OW, C]
 */
void qe_resize_nearest(const qe_resize_nearest_params *params, const void *input, void *output);

#endif /* QE_RESIZE_NEAREST_H */

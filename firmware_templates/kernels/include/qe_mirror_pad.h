/**
 * @file qe_mirror_pad.h
 * @brief Surround a tensor of any rank and type with its own reflection.
 */
#ifndef QE_MIRROR_PAD_H
#define QE_MIRROR_PAD_H

#include "qe_walk.h"

/** One layer. Axes behind the last padded one are part of its elements. */
typedef struct {
    int32_t rank;           /**< [0, QE_WALK_MAX_RANK] */
    const int32_t *extents; /**< [rank]; of the output */
    const int32_t *before;  /**< [rank]; positions added before the input's first */
    const int32_t *sizes;   /**< [rank]; of the input */
    const int32_t *strides; /**< [rank]; of the input, in elements */
    int32_t repeat_edge;    /**< 1: a reflection begins with the edge itself; 0: with the next */
    int32_t element_bytes;  /**< >= 1 */
} qe_mirror_pad_params;

/**
 * @brief Run one layer.
 *
 * @param params  Validated by the exporter: no reflection is longer than the input.
 * @param input   Must not overlap @p output.
 * @param output  Larger by the padding.
 */
void qe_mirror_pad(const qe_mirror_pad_params *params, const void *input, void *output);

#endif /* QE_MIRROR_PAD_H */

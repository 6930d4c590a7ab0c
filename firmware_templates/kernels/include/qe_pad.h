/**
 * @file qe_pad.h
 * @brief Surround a tensor of any rank with one value.
 */
#ifndef QE_PAD_H
#define QE_PAD_H

#include "qe_walk.h"

/** One layer. A row is a run along the innermost axis; `outer` leads over the rows of the output.
 */
typedef struct {
    int32_t rank;           /**< [0, QE_WALK_MAX_RANK]; outer axes */
    const int32_t *extents; /**< [rank]; of the output */
    const int32_t *before;  /**< [rank]; positions added before the input's first */
    const int32_t *sizes;   /**< [rank]; of the input */
    int32_t row_before;     /**< >= 0; values added before each row of the input */
    int32_t row;            /**< >= 1; values of a row of the input */
    int32_t row_after;      /**< >= 0; values added after each row of the input */
    int32_t value;          /**< In the range of the type; what is added */
} qe_pad_params;

/**
 * @brief Run one layer on int8.
 *
 * @param params  Validated by the exporter.
 * @param input   Must not overlap @p output.
 * @param output  Larger by the padding.
 */
void qe_pad_s8(const qe_pad_params *params, const int8_t *input, int8_t *output);

/** @brief As qe_pad_s8() on int16. */
void qe_pad_s16(const qe_pad_params *params, const int16_t *input, int16_t *output);

/** @brief As qe_pad_s8() on int32. */
void qe_pad_s32(const qe_pad_params *params, const int32_t *input, int32_t *output);

#endif /* QE_PAD_H */

/**
 * @file qe_row_sums.h
 * @brief Averages over whole images whose rows come one at a time.
 */
#ifndef QE_ROW_SUMS_H
#define QE_ROW_SUMS_H

#include "qe_fixedpoint.h"

/** What is summed. No sum exceeds 31 bits. */
typedef struct {
    int32_t rows;   /**< Of the image */
    int32_t pixels; /**< Of a row */
    int32_t channels;
    int32_t pixel_step;   /**< From pixel to pixel of a row, in values */
    int32_t channel_step; /**< From channel to channel */
} qe_row_sums;

/** An average pool whose window is the image. */
typedef struct {
    qe_row_sums sums;
    int32_t activation_min, activation_max; /**< Clamp of the output */
} qe_average_pool_rows_params;

/** A mean over height and width. */
typedef struct {
    qe_row_sums sums;
    qe_scale scale;            /**< Of the sum; 1 / count is part of it; not QE_ROUND_WIDE */
    int32_t input_zero_point;  /**< Subtracted from every value */
    int32_t output_zero_point; /**< In the range of the type */
} qe_mean_rows_params;

/**
 * @brief Take one row in; after the last one write the output.
 *
 * @param row     As the steps say
 * @param output  [channels]; written by the last step alone
 * @param sums    [channels]; kept from step to step
 * @param step    Number of the row, from 0 on
 */
void qe_average_pool_rows_s8(const qe_average_pool_rows_params *params, const int8_t *row,
                             int8_t *output, int32_t *sums, uint32_t step);

/** @brief As qe_average_pool_rows_s8() on int16. */
void qe_average_pool_rows_s16(const qe_average_pool_rows_params *params, const int16_t *row,
                              int16_t *output, int32_t *sums, uint32_t step);

/** @brief As qe_average_pool_rows_s8(), onto a scale of its own. */
void qe_mean_rows_s8(const qe_mean_rows_params *params, const int8_t *row, int8_t *output,
                     int32_t *sums, uint32_t step);

/** @brief As qe_mean_rows_s8() on int16. */
void qe_mean_rows_s16(const qe_mean_rows_params *params, const int16_t *row, int16_t *output,
                      int32_t *sums, uint32_t step);

#endif /* QE_ROW_SUMS_H */

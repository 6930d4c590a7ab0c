/**
 * @file qe_average_pool_dsp.h
 * @brief AVERAGE_POOL_2D on cores with the DSP extension: four values of a word at a time.
 */
#ifndef QE_AVERAGE_POOL_DSP_H
#define QE_AVERAGE_POOL_DSP_H

#include "qe_dsp.h"
#include "qe_types.h"

/** Parameters of one layer; the exporter fills them. */
typedef struct {
    qe_shape input, output;
    qe_size window, stride;
    qe_size padding;          /**< Before the first row and column. */
    int32_t minimum, maximum; /**< Clamp of the output. */
} qe_average_pool_dsp_params;

/**
 * @brief Windows of at most 256 pixels.
 *
 * @param input   [h][w][c]
 * @param output  [h][w][c]
 */
void qe_average_pool_dsp(const qe_average_pool_dsp_params *params, const int8_t *input,
                         int8_t *output);

/**
 * @brief Windows of any size, images plane by plane.
 *
 * @param input   [c][h][w]
 * @param output  [c][h][w]
 */
void qe_average_pool_planar_dsp(const qe_average_pool_dsp_params *params, const int8_t *input,
                                int8_t *output);

#endif /* QE_AVERAGE_POOL_DSP_H */

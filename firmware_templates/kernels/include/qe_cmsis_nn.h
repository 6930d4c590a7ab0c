/**
 * @file qe_cmsis_nn.h
 * @brief Layers run by CMSIS-NN, version 4 or later, which the user brings along.
 *
 * int8 activations, one image, NHWC. All scratch is aligned to 4 bytes.
 */
#ifndef QE_CMSIS_NN_H
#define QE_CMSIS_NN_H

#include "qe_types.h"

/** Parameters of one layer; the exporter fills them. */
typedef struct {
    qe_shape input, output;
    qe_size window, stride, dilation;
    qe_size padding; /**< Before the first row and column. */
    int32_t input_zero_point, output_zero_point;
    int32_t activation_min, activation_max;
    const int8_t *weights; /**< CONV [o][h][w][i], DEPTHWISE [h][w][o], FULLY_CONNECTED [o][i] */
    const int32_t *bias;   /**< [o] */
    const int32_t *multiplier; /**< [o]; FULLY_CONNECTED [1] */
    const int32_t *shift;      /**< Like multiplier; positive shifts left. */
    int32_t scratch_bytes;
} qe_cmsis_nn_params;

/** @brief CONV_2D of one group. */
void qe_conv_cmsis_nn(const qe_cmsis_nn_params *params, const int8_t *input, int8_t *output,
                      void *scratch);

/** @brief DEPTHWISE_CONV_2D. */
void qe_depthwise_conv_cmsis_nn(const qe_cmsis_nn_params *params, const int8_t *input,
                                int8_t *output, void *scratch);

/** @brief FULLY_CONNECTED: rows of input.c values, input.h of them. */
void qe_fully_connected_cmsis_nn(const qe_cmsis_nn_params *params, const int8_t *input,
                                 int8_t *output, void *scratch);

/** @brief AVERAGE_POOL_2D. */
void qe_average_pool_cmsis_nn(const qe_cmsis_nn_params *params, const int8_t *input, int8_t *output,
                              void *scratch);

/** @brief MAX_POOL_2D. */
void qe_max_pool_cmsis_nn(const qe_cmsis_nn_params *params, const int8_t *input, int8_t *output,
                          void *scratch);

#endif /* QE_CMSIS_NN_H */

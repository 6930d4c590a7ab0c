/**
 * @file qe_cmsis_nn.c
 * @brief See qe_cmsis_nn.h. Only built together with CMSIS-NN.
 *
 * Its functions can fail only on layers that the exporter does not send here.
 */
#include "qe_cmsis_nn.h"

#include <arm_nnfunctions.h>

static cmsis_nn_dims image(const qe_shape *shape)
{
    const cmsis_nn_dims dims = {.n = 1, .h = shape->h, .w = shape->w, .c = shape->c};
    return dims;
}

static cmsis_nn_context work(const qe_cmsis_nn_params *params, void *scratch)
{
    const cmsis_nn_context context = {.buf = scratch, .size = params->scratch_bytes};
    return context;
}

static cmsis_nn_tile tile(const qe_size *size)
{
    const cmsis_nn_tile result = {.w = size->w, .h = size->h};
    return result;
}

static cmsis_nn_activation clamp(const qe_cmsis_nn_params *params)
{
    const cmsis_nn_activation range = {.min = params->activation_min,
                                       .max = params->activation_max};
    return range;
}

/* CMSIS-NN does not write through these pointers, but does not say so. */
static cmsis_nn_per_channel_quant_params per_channel(const qe_cmsis_nn_params *params)
{
    union {
        const int32_t *constant;
        int32_t *plain;
    } multiplier = {params->multiplier}, shift = {params->shift};
    const cmsis_nn_per_channel_quant_params result = {.multiplier = multiplier.plain,
                                                      .shift = shift.plain};
    return result;
}

void qe_conv_cmsis_nn(const qe_cmsis_nn_params *params, const int8_t *input, int8_t *output,
                      void *scratch)
{
    const cmsis_nn_context context = work(params, scratch);
    const cmsis_nn_per_channel_quant_params quantization = per_channel(params);
    const cmsis_nn_conv_params conv = {
        .input_offset = -params->input_zero_point,
        .output_offset = params->output_zero_point,
        .stride = tile(&params->stride),
        .padding = tile(&params->padding),
        .dilation = tile(&params->dilation),
        .activation = clamp(params),
    };
    const cmsis_nn_dims from = image(&params->input), to = image(&params->output);
    const cmsis_nn_dims filter = {
        .n = to.c, .h = params->window.h, .w = params->window.w, .c = from.c};
    const cmsis_nn_dims bias = {.n = 1, .h = 1, .w = 1, .c = to.c};

    (void)arm_convolve_wrapper_s8(&context, &conv, &quantization, &from, input, &filter,
                                  params->weights, &bias, params->bias, &to, output);
}

void qe_depthwise_conv_cmsis_nn(const qe_cmsis_nn_params *params, const int8_t *input,
                                int8_t *output, void *scratch)
{
    const cmsis_nn_context context = work(params, scratch);
    const cmsis_nn_per_channel_quant_params quantization = per_channel(params);
    const cmsis_nn_dims from = image(&params->input), to = image(&params->output);
    const cmsis_nn_dw_conv_params conv = {
        .input_offset = -params->input_zero_point,
        .output_offset = params->output_zero_point,
        .ch_mult = to.c / from.c,
        .stride = tile(&params->stride),
        .padding = tile(&params->padding),
        .dilation = tile(&params->dilation),
        .activation = clamp(params),
    };
    const cmsis_nn_dims filter = {.n = 1, .h = params->window.h, .w = params->window.w, .c = to.c};
    const cmsis_nn_dims bias = {.n = 1, .h = 1, .w = 1, .c = to.c};

    (void)arm_depthwise_conv_wrapper_s8(&context, &conv, &quantization, &from, input, &filter,
                                        params->weights, &bias, params->bias, &to, output);
}

void qe_fully_connected_cmsis_nn(const qe_cmsis_nn_params *params, const int8_t *input,
                                 int8_t *output, void *scratch)
{
    const cmsis_nn_context context = work(params, scratch);
    const cmsis_nn_per_tensor_quant_params quantization = {.multiplier = params->multiplier[0],
                                                           .shift = params->shift[0]};
    const cmsis_nn_fc_params layer = {
        .input_offset = -params->input_zero_point,
        .filter_offset = 0,
        .output_offset = params->output_zero_point,
        .activation = clamp(params),
    };
    const cmsis_nn_dims from = {.n = params->input.h, .h = 1, .w = 1, .c = params->input.c};
    const cmsis_nn_dims filter = {.n = from.c, .h = 1, .w = 1, .c = params->output.c};
    const cmsis_nn_dims bias = {.n = 1, .h = 1, .w = 1, .c = params->output.c};
    const cmsis_nn_dims to = {.n = from.n, .h = 1, .w = 1, .c = params->output.c};

    (void)arm_fully_connected_s8(&context, &layer, &quantization, &from, input, &filter,
                                 params->weights, &bias, params->bias, &to, output);
}

static cmsis_nn_pool_params pooling(const qe_cmsis_nn_params *params)
{
    const cmsis_nn_pool_params result = {
        .stride = tile(&params->stride),
        .padding = tile(&params->padding),
        .activation = clamp(params),
    };
    return result;
}

void qe_average_pool_cmsis_nn(const qe_cmsis_nn_params *params, const int8_t *input, int8_t *output,
                              void *scratch)
{
    const cmsis_nn_context context = work(params, scratch);
    const cmsis_nn_pool_params pool = pooling(params);
    const cmsis_nn_dims from = image(&params->input), to = image(&params->output);
    const cmsis_nn_dims window = {.n = 1, .h = params->window.h, .w = params->window.w, .c = 1};

    (void)arm_avgpool_s8(&context, &pool, &from, input, &window, &to, output);
}

void qe_max_pool_cmsis_nn(const qe_cmsis_nn_params *params, const int8_t *input, int8_t *output,
                          void *scratch)
{
    const cmsis_nn_context context = work(params, scratch);
    const cmsis_nn_pool_params pool = pooling(params);
    const cmsis_nn_dims from = image(&params->input), to = image(&params->output);
    const cmsis_nn_dims window = {.n = 1, .h = params->window.h, .w = params->window.w, .c = 1};

    (void)arm_max_pool_s8(&context, &pool, &from, input, &window, &to, output);
}

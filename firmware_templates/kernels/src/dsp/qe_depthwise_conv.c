/* DEPTHWISE_CONV_2D for the Cortex-M DSP extension: plane by plane, through a window of padded rows
 * that slides down each plane. docs/kernels-cortex-m4.md explains the arithmetic. */
#include "qe_depthwise_conv_dsp.h"

#define HEAD_WORDS 2
#define ODD_BYTES 0xFF00FF00U

/* Computes `rows` output rows of one channel from the window. */
typedef void filter_rows(const qe_depthwise_conv_dsp_params *params, const uint32_t *record,
                         const int8_t *window, int32_t rows, int8_t *output);

/* A 3x3 filter in registers: halfwords of 256 * weight. */
typedef struct {
    uint32_t sides[3]; /* of each row: left, right */
    uint32_t middle01; /* centres of rows 0 and 1 */
    uint32_t middle2;  /* 0, centre of row 2 */
    int32_t bias, multiplier, shift, offset;
} filter_3x3;

static inline filter_3x3 load_3x3(const uint32_t *record, const qe_dsp_output *output)
{
    const uint32_t *bytes = record + HEAD_WORDS;
    const int32_t shift = (int32_t)(record[0] & 0xFFU);
    filter_3x3 filter = {
        .sides = {(bytes[0] << 8) & ODD_BYTES, bytes[0] & ODD_BYTES, (bytes[1] << 8) & ODD_BYTES},
        .middle01 = bytes[1] & ODD_BYTES,
        .middle2 = bytes[2],
        .bias = (int32_t)(record[0] & 0xFFFFFF00U),
        .multiplier = (int32_t)record[1],
        .shift = shift,
        .offset = qe_requantize_offset(output, shift),
    };
    return filter;
}

static inline int8_t requantize_3x3(const filter_3x3 *filter, int32_t acc, int32_t mask)
{
    return qe_requantize256(acc, filter->multiplier, filter->shift, filter->offset, mask);
}

/* One output: pixels x[0] x[2] times the sides, x[1] times the centre. */
static inline int8_t filter_one(const filter_3x3 *filter, const int8_t *at, int32_t row_bytes,
                                int32_t mask)
{
    int32_t acc = filter->bias;
    uint32_t x = qe_load4(at);
    acc = qe_smlad(qe_sxtb16(x), filter->sides[0], acc);
    acc = qe_smlabb(qe_sxtb16_ror8(x), filter->middle01, acc);
    x = qe_load4(at + row_bytes);
    acc = qe_smlad(qe_sxtb16(x), filter->sides[1], acc);
    acc = qe_smlabt(qe_sxtb16_ror8(x), filter->middle01, acc);
    x = qe_load4(at + 2 * row_bytes);
    acc = qe_smlad(qe_sxtb16(x), filter->sides[2], acc);
    acc = qe_smlabt(qe_sxtb16_ror8(x), filter->middle2, acc);
    return requantize_3x3(filter, acc, mask);
}

/* Two neighbours from words x[0] x[1] x[2] x[3]: even = (x0, x2) and odd = (x1, x3) are the sides
 * of the first and of the second, and each holds the other's centre: 7 instructions for 6 MACs. */
static inline void filter_two_s1(const filter_3x3 *filter, const int8_t *at, int32_t row_bytes,
                                 int32_t mask, int8_t *output)
{
    int32_t acc0 = filter->bias, acc1 = filter->bias;
    uint32_t x = qe_load4(at);
    uint32_t even = qe_sxtb16(x), odd = qe_sxtb16_ror8(x);
    acc0 = qe_smlad(even, filter->sides[0], acc0);
    acc0 = qe_smlabb(odd, filter->middle01, acc0);
    acc1 = qe_smlad(odd, filter->sides[0], acc1);
    acc1 = qe_smlatb(even, filter->middle01, acc1);
    x = qe_load4(at + row_bytes);
    even = qe_sxtb16(x);
    odd = qe_sxtb16_ror8(x);
    acc0 = qe_smlad(even, filter->sides[1], acc0);
    acc0 = qe_smlabt(odd, filter->middle01, acc0);
    acc1 = qe_smlad(odd, filter->sides[1], acc1);
    acc1 = qe_smlatt(even, filter->middle01, acc1);
    x = qe_load4(at + 2 * row_bytes);
    even = qe_sxtb16(x);
    odd = qe_sxtb16_ror8(x);
    acc0 = qe_smlad(even, filter->sides[2], acc0);
    acc0 = qe_smlabt(odd, filter->middle2, acc0);
    acc1 = qe_smlad(odd, filter->sides[2], acc1);
    acc1 = qe_smlatt(even, filter->middle2, acc1);
    output[0] = requantize_3x3(filter, acc0, mask);
    output[1] = requantize_3x3(filter, acc1, mask);
}

/* Two neighbours with stride 2 from x[0] x[1] x[2] x[3] and x[4]. */
static inline void filter_two_s2(const filter_3x3 *filter, const int8_t *at, int32_t row_bytes,
                                 int32_t mask, int8_t *output)
{
    int32_t acc0 = filter->bias, acc1 = filter->bias;
    uint32_t x = qe_load4(at);
    uint32_t even = qe_sxtb16(x), odd = qe_sxtb16_ror8(x);
    acc0 = qe_smlad(even, filter->sides[0], acc0);
    acc0 = qe_smlabb(odd, filter->middle01, acc0);
    acc1 = qe_smlatb(even, filter->sides[0], acc1);
    acc1 = qe_smlatb(odd, filter->middle01, acc1);
    acc1 = qe_smlabt((uint32_t)at[4], filter->sides[0], acc1);
    at += row_bytes;
    x = qe_load4(at);
    even = qe_sxtb16(x);
    odd = qe_sxtb16_ror8(x);
    acc0 = qe_smlad(even, filter->sides[1], acc0);
    acc0 = qe_smlabt(odd, filter->middle01, acc0);
    acc1 = qe_smlatb(even, filter->sides[1], acc1);
    acc1 = qe_smlatt(odd, filter->middle01, acc1);
    acc1 = qe_smlabt((uint32_t)at[4], filter->sides[1], acc1);
    at += row_bytes;
    x = qe_load4(at);
    even = qe_sxtb16(x);
    odd = qe_sxtb16_ror8(x);
    acc0 = qe_smlad(even, filter->sides[2], acc0);
    acc0 = qe_smlabt(odd, filter->middle2, acc0);
    acc1 = qe_smlatb(even, filter->sides[2], acc1);
    acc1 = qe_smlatt(odd, filter->middle2, acc1);
    acc1 = qe_smlabt((uint32_t)at[4], filter->sides[2], acc1);
    output[0] = requantize_3x3(filter, acc0, mask);
    output[1] = requantize_3x3(filter, acc1, mask);
}

/* Inlined with constants for stride and, in the common case, mask = 0. */
static inline __attribute__((always_inline)) void
filter_plane(const qe_depthwise_conv_dsp_params *params, const uint32_t *record,
             const int8_t *window, int32_t rows, int8_t *output, int32_t stride, int32_t mask)
{
    const filter_3x3 filter = load_3x3(record, &params->quantization);
    const int32_t row_bytes = params->row_bytes;
    const int32_t pairs = params->output.w / 2;
    for (; rows > 0; rows--) {
        const int8_t *at = window;
        const int8_t *end = window + pairs * 2 * stride;
        for (; at != end; at += 2 * stride) {
            if (stride == 1) {
                filter_two_s1(&filter, at, row_bytes, mask, output);
            } else {
                filter_two_s2(&filter, at, row_bytes, mask, output);
            }
            output += 2;
        }
        if (params->output.w % 2 != 0) {
            *output++ = filter_one(&filter, at, row_bytes, mask);
        }
        window += params->stride.h * row_bytes;
    }
}

static void filter_3x3_s1(const qe_depthwise_conv_dsp_params *params, const uint32_t *record,
                          const int8_t *window, int32_t rows, int8_t *output)
{
    if (params->quantization.negative_mask == 0) {
        filter_plane(params, record, window, rows, output, 1, 0);
    } else {
        filter_plane(params, record, window, rows, output, 1, ~127);
    }
}

static void filter_3x3_s2(const qe_depthwise_conv_dsp_params *params, const uint32_t *record,
                          const int8_t *window, int32_t rows, int8_t *output)
{
    if (params->quantization.negative_mask == 0) {
        filter_plane(params, record, window, rows, output, 2, 0);
    } else {
        filter_plane(params, record, window, rows, output, 2, ~127);
    }
}

static int32_t sum_taps(const qe_depthwise_conv_dsp_params *params, const int8_t *weights,
                        const int8_t *at)
{
    const int32_t down = params->dilation.h * params->row_bytes;
    int32_t acc = 0;
    for (int32_t y = 0; y < params->kernel.h; y++, at += down) {
        const int8_t *x = at;
        for (int32_t left = params->kernel.w; left > 0; left--, x += params->dilation.w) {
            acc += *x * *weights++;
        }
    }
    return acc;
}

static void filter_any(const qe_depthwise_conv_dsp_params *params, const uint32_t *record,
                       const int8_t *window, int32_t rows, int8_t *output)
{
    const int8_t *weights = (const int8_t *)(record + HEAD_WORDS);
    const uint32_t bias = record[0] & 0xFFFFFF00U;
    const int32_t shift = (int32_t)(record[0] & 0xFFU);
    const int32_t offset = qe_requantize_offset(&params->quantization, shift);
    for (; rows > 0; rows--) {
        const int8_t *at = window;
        for (int32_t left = params->output.w; left > 0; left--, at += params->stride.w) {
            /* Without the bias the product may wrap; with it the sum fits again. */
            uint32_t acc = bias + 256U * (uint32_t)sum_taps(params, weights, at);
            *output++ = qe_requantize256((int32_t)acc, (int32_t)record[1], shift, offset,
                                         params->quantization.negative_mask);
        }
        window += params->stride.h * params->row_bytes;
    }
}

static void clamp_run(const qe_dsp_output *quantization, int8_t *values, int32_t count)
{
    for (; count > 0; count--, values++) {
        *values = qe_dsp_clamp(*values, quantization);
    }
}

/* Rows first to first + band - 1 of all outputs of one input channel. */
static void filter_band(const qe_depthwise_conv_dsp_params *params, filter_rows *filter,
                        const uint32_t *records, const int8_t *window, int32_t rows,
                        int8_t *output)
{
    for (int32_t left = params->channel_outputs; left > 0; left--) {
        filter(params, records, window, rows, output);
        if (qe_dsp_needs_clamp(&params->quantization)) {
            clamp_run(&params->quantization, output, rows * params->output.w);
        }
        records += params->record_words;
        output += params->output.h * params->output.w;
    }
}

/* The window's next row: input row y, or padding. Its sides are padding since the start. */
static void load_row(const qe_depthwise_conv_dsp_params *params, const int8_t *plane, int32_t y,
                     int8_t *row)
{
    if (y < 0 || y >= params->input.h) {
        memset(row, params->input_zero_point, (size_t)params->row_bytes);
    } else {
        qe_copy(row + params->padding.w, plane + y * params->input.w, params->input.w);
    }
}

static void filter_channel(const qe_depthwise_conv_dsp_params *params, filter_rows *filter,
                           const uint32_t *records, const int8_t *plane, int8_t *output,
                           int8_t *window)
{
    const int32_t advance = params->band * params->stride.h;
    int32_t loaded = 0, next = -params->padding.h;
    for (int32_t first = 0; first < params->output.h; first += params->band) {
        const int32_t left = params->output.h - first;
        const int32_t rows = left < params->band ? left : params->band;
        const int32_t needed =
            (rows - 1) * params->stride.h + (params->kernel.h - 1) * params->dilation.h + 1;
        if (first > 0 && loaded > advance) {
            loaded -= advance;
            memmove(window, window + advance * params->row_bytes,
                    (size_t)(loaded * params->row_bytes));
        } else if (first > 0) {
            next += advance - loaded;
            loaded = 0;
        }
        for (; loaded < needed; loaded++, next++) {
            load_row(params, plane, next, window + loaded * params->row_bytes);
        }
        filter_band(params, filter, records, window, rows, output + first * params->output.w);
    }
}

static void filter_image(const qe_depthwise_conv_dsp_params *params, filter_rows *filter,
                         const int8_t *input, int8_t *output, int8_t *window)
{
    const uint32_t *records = params->records;
    const int32_t window_rows = (params->band - 1) * params->stride.h +
                                (params->kernel.h - 1) * params->dilation.h + 1;
    memset(window, params->input_zero_point, (size_t)(window_rows * params->row_bytes));
    for (int32_t left = params->input.c; left > 0; left--) {
        filter_channel(params, filter, records, input, output, window);
        records += params->channel_outputs * params->record_words;
        input += params->input.h * params->input.w;
        output += params->channel_outputs * params->output.h * params->output.w;
    }
}

void qe_depthwise_conv_3x3_s1_dsp(const qe_depthwise_conv_dsp_params *params, const int8_t *input,
                                  int8_t *output, void *scratch)
{
    filter_image(params, filter_3x3_s1, input, output, scratch);
}

void qe_depthwise_conv_3x3_s2_dsp(const qe_depthwise_conv_dsp_params *params, const int8_t *input,
                                  int8_t *output, void *scratch)
{
    filter_image(params, filter_3x3_s2, input, output, scratch);
}

void qe_depthwise_conv_dsp(const qe_depthwise_conv_dsp_params *params, const int8_t *input,
                           int8_t *output, void *scratch)
{
    filter_image(params, filter_any, input, output, scratch);
}

/* DEPTHWISE_CONV_2D for the Cortex-M DSP extension: plane by plane, through a window of padded rows
 * that slides down each plane. docs/kernels-cortex-m4.md explains the arithmetic. */
#include "qe_depthwise_conv_dsp.h"

#include "qe_elements.h"

#define HEAD_WORDS 2
#define WORDS_3X3 5 /* of a record */
#define ODD_BYTES 0xFF00FF00U

/* Computes `rows` output rows of one channel from the window. */
typedef void filter_rows(const qe_depthwise_conv_dsp_params *params, const uint32_t *record,
                         const int8_t *window, int32_t rows, int8_t *output);

/* What the channels of a 3x3 filter share. The assembly knows the offsets. */
typedef struct {
    const int8_t *window;  /*  0 */
    int32_t row_bytes;     /*  4 */
    int32_t has_last;      /*  8: one output is left behind the pairs of a row */
    int32_t pair_bytes;    /* 12: of the window, under the pairs of a row */
    int32_t zero_point2;   /* 16 */
    int32_t half;          /* 20 */
    int32_t output_bytes;  /* 24 */
    int32_t negative_mask; /* 28 */
} filter_3x3;

#if QE_HAS_DSP

/* r0 window, r1 row_bytes, r2 output, r3 end of the pairs, r4-r6 sides, r7 r8 middles, r9 r10 sums,
 * r11 r12 pixels, lr shift: all there are, with the rest on the stack. Words hold x0 x1 x2 x3, so
 * that (x0, x2) and (x1, x3) are the sides of the first and of the second output, and each holds
 * the other's centre: 34 instructions for 18 MACs with stride 1. gcc 12 takes 44. */
#define FILTER_MACROS                                                                              \
    ".macro split\n" /* x0 x2 in r11, x1 x3 in r12 */                                              \
    "    sxtb16 r12, r11, ror #8\n"                                                                \
    "    sxtb16 r11, r11\n"                                                                        \
    ".endm\n"                                                                                      \
    ".macro first_output sides, middle, half\n"                                                    \
    "    smlad r9, r11, \\sides, r9\n"                                                             \
    "    smlab\\half r9, r12, \\middle, r9\n"                                                      \
    ".endm\n"                                                                                      \
    ".macro second_output_1 sides, middle, half\n"                                                 \
    "    smlad r10, r12, \\sides, r10\n"                                                           \
    "    smlat\\half r10, r11, \\middle, r10\n"                                                    \
    ".endm\n"                                                                                      \
    ".macro second_output_2 sides, middle, half\n" /* x4 is added later */                         \
    "    smlatb r10, r11, \\sides, r10\n"                                                          \
    "    smlat\\half r10, r12, \\middle, r10\n"                                                    \
    ".endm\n"                                                                                      \
    ".macro requantize acc, signed\n" /* multiplier r11, offset r12; r1 is lost if signed */       \
    "    .if \\signed\n"                                                                           \
    "    asr.w r1, \\acc, #31\n"                                                                   \
    "    add.w r1, r12, r1, lsl #7\n"                                                              \
    "    smmla \\acc, \\acc, r11, r1\n"                                                            \
    "    .else\n"                                                                                  \
    "    smmla \\acc, \\acc, r11, r12\n"                                                           \
    "    .endif\n"                                                                                 \
    "    asr.w \\acc, \\acc, lr\n"                                                                 \
    "    ssat \\acc, #8, \\acc, asr #1\n"                                                          \
    "    strb \\acc, [r2], #1   \n"                                                                \
    ".endm\n"                                                                                      \
    ".macro filter_pair stride, signed\n"                                                          \
    "    ldr.w r9, [sp]\n"                                                                         \
    "    ldr.w r11, [r0, r1, lsl #1]\n"                                                            \
    "    mov r10, r9\n"                                                                            \
    "    split\n"                                                                                  \
    "    first_output r6, r8, t\n"                                                                 \
    "    second_output_\\stride r6, r8, t\n"                                                       \
    "    ldr.w r11, [r0, r1]\n"                                                                    \
    "    split\n"                                                                                  \
    "    first_output r5, r7, t\n"                                                                 \
    "    second_output_\\stride r5, r7, t\n"                                                       \
    "    ldr r11, [r0], #(2 * \\stride)\n"                                                         \
    "    split\n"                                                                                  \
    "    first_output r4, r7, b\n"                                                                 \
    "    second_output_\\stride r4, r7, b\n"                                                       \
    "    .if \\stride == 2\n"                                                                      \
    "    ldrsb.w r11, [r0, r1, lsl #1]\n"                                                          \
    "    ldrsb.w r12, [r0, r1]\n"                                                                  \
    "    smlabt r10, r11, r6, r10\n"                                                               \
    "    ldrsb.w r11, [r0]\n"                                                                      \
    "    smlabt r10, r12, r5, r10\n"                                                               \
    "    smlabt r10, r11, r4, r10\n"                                                               \
    "    .endif\n"                                                                                 \
    "    ldrd r11, r12, [sp, #4]\n"                                                                \
    "    requantize r9, \\signed\n"                                                                \
    "    requantize r10, \\signed\n"                                                               \
    ".endm\n"                                                                                      \
    ".macro filter_last signed\n"                                                                  \
    "    ldr.w r9, [sp]\n"                                                                         \
    "    ldr.w r11, [r0, r1, lsl #1]\n"                                                            \
    "    split\n"                                                                                  \
    "    first_output r6, r8, t\n"                                                                 \
    "    ldr.w r11, [r0, r1]\n"                                                                    \
    "    split\n"                                                                                  \
    "    first_output r5, r7, t\n"                                                                 \
    "    ldr.w r11, [r0]\n"                                                                        \
    "    split\n"                                                                                  \
    "    first_output r4, r7, b\n"                                                                 \
    "    ldrd r11, r12, [sp, #4]\n"                                                                \
    "    requantize r9, \\signed\n"                                                                \
    ".endm\n"                                                                                      \
    ".macro filter_rows stride, signed\n"                                                          \
    "    ldr.w r3, [sp, #20]\n"                                                                    \
    "    add r3, r0\n"                                                                             \
    "1:  cmp r0, r3\n"                                                                             \
    "    beq 3f\n"                                                                                 \
    "2:  filter_pair \\stride, \\signed\n"                                                         \
    "    .if \\signed\n"                                                                           \
    "    ldr.w r1, [sp, #12]\n"                                                                    \
    "    .endif\n"                                                                                 \
    "    cmp r0, r3\n"                                                                             \
    "    bne 2b\n"                                                                                 \
    "3:  ldr.w r12, [sp, #16]\n"                                                                   \
    "    cmp r12, #0\n"                                                                            \
    "    beq 4f\n"                                                                                 \
    "    filter_last \\signed\n"                                                                   \
    "    .if \\signed\n"                                                                           \
    "    ldr.w r1, [sp, #12]\n"                                                                    \
    "    .endif\n"                                                                                 \
    "4:  ldrd r11, r12, [sp, #20]\n"                                                               \
    "    add.w r3, r3, r1, lsl #(\\stride - 1)\n"                                                  \
    "    sub r0, r3, r11\n"                                                                        \
    "    cmp r2, r12\n"                                                                            \
    "    bne 1b\n"                                                                                 \
    ".endm\n"                                                                                      \
    ".macro filter_image stride\n"                                                                 \
    "    push {r4-r11, lr}\n"                                                                      \
    "    ldr.w r12, [r0, #28]\n" /* negative_mask */                                               \
    "    ldmia.w r1, {r4-r8}\n"  /* record: bias with shift, multiplier, weights */                \
    "    ldmia.w r0, {r0, r1, r3, r9, r10, r11, lr}\n"                                             \
    "    add lr, r2\n"                                                                             \
    "    sub sp, #28\n"                                                                            \
    "    strd r3, r9, [sp, #16]\n" /* has_last, pair_bytes */                                      \
    "    str.w lr, [sp, #24]\n"    /* output's end */                                              \
    "    uxtb.w lr, r4\n"                                                                          \
    "    bic r4, r4, #255\n"                                                                       \
    "    strd r4, r5, [sp]\n" /* bias, multiplier */                                               \
    "    lsl.w r10, r10, lr\n"                                                                     \
    "    add r10, r11\n"                                                                           \
    "    strd r10, r1, [sp, #8]\n" /* offset, row_bytes */                                         \
    "    mov.w r3, #0xFF00FF00\n"                                                                  \
    "    and.w r4, r3, r6, lsl #8\n" /* sides of the three rows */                                 \
    "    and.w r5, r3, r6\n"                                                                       \
    "    and.w r6, r3, r7, lsl #8\n"                                                               \
    "    and.w r7, r3, r7\n" /* middles of rows 0 and 1; that of row 2 is in r8 */                 \
    "    cmp.w r12, #0\n"                                                                          \
    "    bne 5f\n"                                                                                 \
    "    filter_rows \\stride, 0\n"                                                                \
    "    add sp, #28\n"                                                                            \
    "    pop {r4-r11, pc}\n"                                                                       \
    "5:  filter_rows \\stride, 1\n"                                                                \
    "    add sp, #28\n"                                                                            \
    "    pop {r4-r11, pc}\n"                                                                       \
    ".endm\n"
#define END_FILTER_MACROS                                                                          \
    ".purgem split\n"                                                                              \
    ".purgem first_output\n"                                                                       \
    ".purgem second_output_1\n"                                                                    \
    ".purgem second_output_2\n"                                                                    \
    ".purgem requantize\n"                                                                         \
    ".purgem filter_pair\n"                                                                        \
    ".purgem filter_last\n"                                                                        \
    ".purgem filter_rows\n"                                                                        \
    ".purgem filter_image\n"

__attribute__((naked, noinline)) static void
run_3x3_s1(const filter_3x3 *filter __attribute__((unused)),
           const uint32_t *record __attribute__((unused)), int8_t *output __attribute__((unused)))
{
    __asm__ volatile(FILTER_MACROS "    filter_image 1\n" END_FILTER_MACROS);
}

__attribute__((naked, noinline)) static void
run_3x3_s2(const filter_3x3 *filter __attribute__((unused)),
           const uint32_t *record __attribute__((unused)), int8_t *output __attribute__((unused)))
{
    __asm__ volatile(FILTER_MACROS "    filter_image 2\n" END_FILTER_MACROS);
}

#else

static int32_t filter_row(const int8_t *at, uint32_t sides, int32_t acc)
{
    const uint32_t x = qe_load4(at);
    return qe_smlad(qe_sxtb16(x), sides, acc);
}

static int8_t filter_one(const filter_3x3 *filter, const uint32_t *record, const int8_t *at)
{
    const int32_t row_bytes = filter->row_bytes;
    const uint32_t *bytes = record + HEAD_WORDS;
    const uint32_t middle01 = bytes[1] & ODD_BYTES;
    const int32_t shift = (int32_t)(record[0] & 0xFFU);
    int32_t acc = (int32_t)(record[0] & 0xFFFFFF00U);
    acc = filter_row(at, (bytes[0] << 8) & ODD_BYTES, acc);
    acc = filter_row(at + row_bytes, bytes[0] & ODD_BYTES, acc);
    acc = filter_row(at + 2 * row_bytes, (bytes[1] << 8) & ODD_BYTES, acc);
    acc = qe_smlabb((uint32_t)at[1], middle01, acc);
    acc = qe_smlabt((uint32_t)at[row_bytes + 1], middle01, acc);
    acc = qe_smlabt((uint32_t)at[2 * row_bytes + 1], bytes[2], acc);
    return qe_requantize256(acc, (int32_t)record[1], shift,
                            filter->zero_point2 * (int32_t)(1U << shift) + filter->half,
                            filter->negative_mask);
}

static void run_3x3(const filter_3x3 *filter, const uint32_t *record, int8_t *output,
                    int32_t stride)
{
    const int32_t width = filter->pair_bytes / stride + filter->has_last;
    const int8_t *row = filter->window;
    const int8_t *output_end = output + filter->output_bytes;
    while (output != output_end) {
        for (int32_t x = 0; x < width; x++) {
            *output++ = filter_one(filter, record, row + x * stride);
        }
        row += stride * filter->row_bytes;
    }
}

static void run_3x3_s1(const filter_3x3 *filter, const uint32_t *record, int8_t *output)
{
    run_3x3(filter, record, output, 1);
}

static void run_3x3_s2(const filter_3x3 *filter, const uint32_t *record, int8_t *output)
{
    run_3x3(filter, record, output, 2);
}

#endif

static inline filter_3x3 prepare_3x3(const qe_depthwise_conv_dsp_params *params,
                                     const int8_t *window, int32_t rows)
{
    const filter_3x3 filter = {
        .window = window,
        .row_bytes = params->row_bytes,
        .has_last = params->output.w & 1,
        .pair_bytes = (params->output.w & ~1) * params->stride.w,
        .zero_point2 = params->quantization.zero_point2,
        .half = params->quantization.half,
        .output_bytes = rows * params->output.w,
        .negative_mask = params->quantization.negative_mask,
    };
    return filter;
}

static void filter_3x3_s1(const qe_depthwise_conv_dsp_params *params, const uint32_t *record,
                          const int8_t *window, int32_t rows, int8_t *output)
{
    const filter_3x3 filter = prepare_3x3(params, window, rows);
    run_3x3_s1(&filter, record, output);
}

static void filter_3x3_s2(const qe_depthwise_conv_dsp_params *params, const uint32_t *record,
                          const int8_t *window, int32_t rows, int8_t *output)
{
    const filter_3x3 filter = prepare_3x3(params, window, rows);
    run_3x3_s2(&filter, record, output);
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

static int32_t window_rows(const qe_depthwise_conv_dsp_params *params, int32_t output_rows)
{
    return (output_rows - 1) * params->stride.h + (params->kernel.h - 1) * params->dilation.h + 1;
}

/* Output rows that the window serves, of all outputs of one input channel. */
static void filter_band(const qe_depthwise_conv_dsp_params *params, filter_rows *filter,
                        const uint32_t *records, const int8_t *window, int32_t rows, int8_t *output)
{
    for (int32_t left = params->channel_outputs; left > 0; left--) {
        filter(params, records, window, rows, output);
        if (qe_dsp_needs_clamp(&params->quantization)) {
            qe_dsp_clamp_run(&params->quantization, output, rows * params->output.w);
        }
        records += params->record_words;
        output += params->channel_step;
    }
}

/* Input rows into the window, whose sides are padding since the start. Rows of four pixels or more
 * by words of which the last two may overlap. */
static void load_rows(const qe_depthwise_conv_dsp_params *params, const int8_t *from, int8_t *to,
                      int32_t rows)
{
    const int32_t width = params->input.w, row_bytes = params->row_bytes;
    to += params->padding.w;
    for (; rows > 0; rows--, from += width, to += row_bytes) {
        if (width < 4) {
            qe_copy(to, from, width);
            continue;
        }
        for (int32_t x = 0; x < width - 4; x += 4) {
            memcpy(to + x, from + x, 4);
        }
        memcpy(to + width - 4, from + width - 4, 4);
    }
}

/* The window's next row: input row y, or padding. */
static void load_row(const qe_depthwise_conv_dsp_params *params, const int8_t *plane, int32_t y,
                     int8_t *row)
{
    if (y < 0 || y >= params->input.h) {
        memset(row, params->input_zero_point, (size_t)params->row_bytes);
    } else {
        load_rows(params, plane + y * params->input.w, row, 1);
    }
}

/* A channel whose window slides: band after band, keeping the rows that two bands share. */
static void slide(const qe_depthwise_conv_dsp_params *params, filter_rows *filter,
                  const uint32_t *records, const int8_t *plane, int8_t *output, int8_t *window)
{
    const int32_t advance = params->band * params->stride.h;
    int32_t loaded = 0, next = -params->padding.h;
    for (int32_t first = 0; first < params->output.h; first += params->band) {
        const int32_t left = params->output.h - first;
        const int32_t rows = left < params->band ? left : params->band;
        if (first > 0 && loaded > advance) {
            loaded -= advance;
            memmove(window, window + advance * params->row_bytes,
                    (size_t)(loaded * params->row_bytes));
        } else if (first > 0) {
            next += advance - loaded;
            loaded = 0;
        }
        for (; loaded < window_rows(params, rows); loaded++, next++) {
            load_row(params, plane, next, window + loaded * params->row_bytes);
        }
        filter_band(params, filter, records, window, rows, output + first * params->output.w);
    }
}

static void filter_channels(const qe_depthwise_conv_dsp_params *params, filter_rows *filter,
                            const int8_t *input, int8_t *output, int8_t *window)
{
    const int32_t plane = params->input.h * params->input.w;
    const int32_t resident = params->band >= params->output.h;
    const int32_t rows = window_rows(params, params->band);
    const int32_t seen = rows - params->padding.h; /* input rows that the window has room for */
    const int32_t input_rows = seen < params->input.h ? seen : params->input.h;
    const uint32_t *records = params->records;

    memset(window, params->input_zero_point, (size_t)(rows * params->row_bytes));
    for (int32_t left = params->input.c; left > 0; left--) {
        if (resident) {
            load_rows(params, input, window + params->padding.h * params->row_bytes, input_rows);
            filter_band(params, filter, records, window, params->output.h, output);
        } else {
            slide(params, filter, records, input, output, window);
        }
        records += params->channel_outputs * params->record_words;
        input += plane;
        output += params->channel_outputs * params->channel_step;
    }
}

void qe_depthwise_conv_3x3_s1_dsp(const qe_depthwise_conv_dsp_params *params, const int8_t *input,
                                  int8_t *output, void *scratch)
{
    filter_channels(params, filter_3x3_s1, input, output, scratch);
}

void qe_depthwise_conv_3x3_s2_dsp(const qe_depthwise_conv_dsp_params *params, const int8_t *input,
                                  int8_t *output, void *scratch)
{
    filter_channels(params, filter_3x3_s2, input, output, scratch);
}

void qe_depthwise_conv_dsp(const qe_depthwise_conv_dsp_params *params, const int8_t *input,
                           int8_t *output, void *scratch)
{
    filter_channels(params, filter_any, input, output, scratch);
}

/* One row of output, from rows of input that may lie anywhere. */

/* A row by words, of which the last two may overlap; `narrow` rows are one or two words. */
static inline void load_into(int8_t *to, const int8_t *from, int32_t width, int narrow)
{
    if (!narrow && width < 4) {
        qe_copy(to, from, width);
        return;
    }
    memcpy(to, from, 4);
    for (int32_t x = 4; !narrow && x < width - 4; x += 4) {
        memcpy(to + x, from + x, 4);
    }
    memcpy(to + width - 4, from + width - 4, 4);
}

/* All output channels, a row each. */
QE_TEMPLATE void filter_row_of(const qe_depthwise_conv_dsp_params *params, const void *const *rows,
                               int8_t *output, int8_t *window,
                               void (*run)(const filter_3x3 *, const uint32_t *, int8_t *),
                               int narrow)
{
    const filter_3x3 filter = prepare_3x3(params, window, 1);
    const int32_t width = params->input.w, outputs = params->channel_outputs;
    const int32_t step = params->channel_step;
    const int needs_clamp = qe_dsp_needs_clamp(&params->quantization);
    const int8_t *row0 = rows[0], *row1 = rows[1], *row2 = rows[2];
    int8_t *to0 = window + params->padding.w;
    int8_t *to1 = to0 + params->row_bytes, *to2 = to1 + params->row_bytes;
    const uint32_t *record = params->records;

    memset(window, params->input_zero_point, (size_t)(3 * params->row_bytes));
    for (int32_t channel = params->input.c; channel > 0; channel--) {
        if (row0 != NULL) {
            load_into(to0, row0, width, narrow);
            row0 += width;
        }
        if (row1 != NULL) {
            load_into(to1, row1, width, narrow);
            row1 += width;
        }
        if (row2 != NULL) {
            load_into(to2, row2, width, narrow);
            row2 += width;
        }
        int32_t left = outputs;
        do {
            run(&filter, record, output);
            if (needs_clamp) {
                qe_dsp_clamp_run(&params->quantization, output, params->output.w);
            }
            record += WORDS_3X3;
            output += step;
        } while (--left > 0);
    }
}

static void filter_row_3x3(const qe_depthwise_conv_dsp_params *params, const void *const *rows,
                           int8_t *output, int8_t *window,
                           void (*run)(const filter_3x3 *, const uint32_t *, int8_t *))
{
    if (params->input.w >= 4 && params->input.w <= 8) {
        filter_row_of(params, rows, output, window, run, 1);
    } else {
        filter_row_of(params, rows, output, window, run, 0);
    }
}

void qe_depthwise_conv_3x3_s1_row_dsp(const qe_depthwise_conv_dsp_params *params,
                                      const void *const *rows, int8_t *output, void *scratch)
{
    filter_row_3x3(params, rows, output, scratch, run_3x3_s1);
}

void qe_depthwise_conv_3x3_s2_row_dsp(const qe_depthwise_conv_dsp_params *params,
                                      const void *const *rows, int8_t *output, void *scratch)
{
    filter_row_3x3(params, rows, output, scratch, run_3x3_s2);
}

void qe_depthwise_conv_row_dsp(const qe_depthwise_conv_dsp_params *params, const void *const *rows,
                               int8_t *output, void *scratch)
{
    const int32_t width = params->input.w;
    const uint32_t *record = params->records;
    memset(scratch, params->input_zero_point, (size_t)(params->kernel.h * params->row_bytes));
    for (int32_t at = 0; at < params->input.c * width; at += width) {
        int8_t *to = (int8_t *)scratch + params->padding.w;
        for (int32_t y = 0; y < params->kernel.h; y++, to += params->row_bytes) {
            if (rows[y] != NULL) {
                load_into(to, (const int8_t *)rows[y] + at, width, 0);
            }
        }
        for (int32_t left = params->channel_outputs; left > 0; left--) {
            filter_any(params, record, scratch, 1, output);
            if (qe_dsp_needs_clamp(&params->quantization)) {
                qe_dsp_clamp_run(&params->quantization, output, params->output.w);
            }
            record += params->record_words;
            output += params->channel_step;
        }
    }
}

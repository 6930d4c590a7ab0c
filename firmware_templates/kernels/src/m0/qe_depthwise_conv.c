/* DEPTHWISE_CONV_2D for cores without DSP instructions: plane by plane, through a window of padded
 * rows, a word a pixel, that slides down each plane. docs/kernels-cortex-m0.md explains it. */
#include "qe_depthwise_conv_m0.h"

#define STEP 5
#define TAPS_3X3 9

/* Computes `rows` output rows of one channel from the window. */
typedef void filter_rows(const qe_depthwise_conv_m0_params *params, const uint32_t *record,
                         const int32_t *window, int32_t rows, int8_t *output);

/* A 3x3 filter on its way along a row, five outputs a step. The assembly knows the offsets. */
typedef struct {
    const int32_t *at;          /*  0: window, first tap of the next output */
    int32_t steps;              /*  4: at least one */
    int8_t *output;             /*  8 */
    int32_t to_third;           /* 12: bytes from behind the second tap's pixels to the third's */
    int32_t to_row;             /* 16: bytes from behind the third tap's pixels to the next row */
    uint32_t bias;              /* 20 */
    int32_t weights[TAPS_3X3];  /* 24 */
    uint32_t range;             /* 60: as in a head */
    uint32_t multiplier_high;   /* 64 */
    uint32_t multiplier_low;    /* 68 */
    uint32_t constant;          /* 72 */
    int32_t shift;              /* 76 */
    int32_t maximum;            /* 80: as in qe_m0_output */
    int32_t span;               /* 84 */
    uint32_t zero;              /* 88 */
    uint32_t constant_negative; /* 92 */
    int32_t signed_ties;        /* 96 */
} filter_3x3;

#if QE_HAS_THUMB

/* r0-r4 pixels of one tap, r5 weight, r6 pixels, r7 filter, r8-r12 sums; the filter's address on
 * the stack. Requantization: r0 sum, r1 range, r2 r3 multipliers, r4 constant, r5 shift, r6 output.
 */
__attribute__((naked, noinline)) static void run_steps(filter_3x3 *filter __attribute__((unused)))
{
    __asm__ volatile(".syntax unified\n"
                     ".macro add_product pixel, sum\n" QE_M0_ADD_PRODUCT ".endm\n"
                     ".macro add_tap weight\n"
                     "    ldmia r6!, {r0-r4}\n"
                     "    ldr r5, [r7, #\\weight]\n"
                     "    add_product r0, r8\n"
                     "    add_product r1, r9\n"
                     "    add_product r2, r10\n"
                     "    add_product r3, r11\n"
                     "    add_product r4, r12\n"
                     ".endm\n"
                     ".macro add_row weights\n"
                     "    add_tap \\weights\n"
                     "    subs r6, #16\n"
                     "    add_tap (\\weights + 4)\n"
                     "    ldr r5, [r7, #12]\n"
                     "    adds r6, r6, r5\n"
                     "    add_tap (\\weights + 8)\n"
                     ".endm\n"
                     ".macro requantize sum, signed\n"
                     "    mov r0, \\sum\n"
                     "    cmp r0, r1\n"
                     "    blo 7f\n"
                     "    ldr r7, [sp]\n"
                     "    asrs r0, r0, #31\n"
                     "    ldr r7, [r7, #84]\n" /* span */
                     "    ands r0, r7\n"
                     "    ldr r7, [sp]\n"
                     "    ldr r7, [r7, #80]\n" /* maximum */
                     "    subs r0, r7, r0\n"
                     "    b 8f\n"
                     "7:\n"
                     "    .if \\signed\n"
                     "    ldr r7, [sp]\n"
                     "    ldr r4, [r7, #72]\n" /* constant */
                     "    ldr r7, [r7, #88]\n" /* zero */
                     "    cmp r0, r7\n"
                     "    bhs 9f\n"
                     "    ldr r7, [sp]\n"
                     "    ldr r4, [r7, #92]\n" /* constant_negative */
                     "9:\n"
                     "    .endif\n"
                     "    mov r7, r3\n"
                     "    muls r7, r0, r7\n"
                     "    lsrs r7, r5\n"
                     "    muls r0, r2, r0\n"
                     "    adds r0, r0, r7\n"
                     "    adds r0, r0, r4\n"
                     "    lsrs r0, r0, #24\n"
                     "8:  strb r0, [r6]\n"
                     "    adds r6, #1\n"
                     ".endm\n"
                     "    push {r4-r7, lr}\n"
                     "    mov r4, r8\n"
                     "    mov r5, r9\n"
                     "    mov r6, r10\n"
                     "    mov r7, r11\n"
                     "    push {r4-r7}\n"
                     "    push {r0}\n"
                     "    mov r7, r0\n"
                     "1:  ldr r0, [r7, #20]\n"
                     "    ldr r6, [r7]\n"
                     "    mov r8, r0\n"
                     "    mov r9, r0\n"
                     "    mov r10, r0\n"
                     "    mov r11, r0\n"
                     "    mov r12, r0\n"
                     "    add_row 24\n"
                     "    ldr r5, [r7, #16]\n"
                     "    adds r6, r6, r5\n"
                     "    add_row 36\n"
                     "    ldr r5, [r7, #16]\n"
                     "    adds r6, r6, r5\n"
                     "    add_row 48\n"
                     "    ldr r6, [r7, #8]\n"
                     "    mov r0, r7\n"
                     "    adds r0, #60\n"
                     "    ldmia r0!, {r1-r5}\n" /* range, multipliers, constant, shift */
                     "    adds r7, #96\n"
                     "    ldr r0, [r7]\n"
                     "    cmp r0, #0\n"
                     "    bne 3f\n"
                     "    requantize r8, 0\n"
                     "    requantize r9, 0\n"
                     "    requantize r10, 0\n"
                     "    requantize r11, 0\n"
                     "    requantize r12, 0\n"
                     "2:  ldr r7, [sp]\n"
                     "    str r6, [r7, #8]\n"
                     "    ldr r0, [r7]\n"
                     "    adds r0, #20\n"
                     "    str r0, [r7]\n"
                     "    ldr r0, [r7, #4]\n"
                     "    subs r0, #1\n"
                     "    str r0, [r7, #4]\n"
                     "    beq 4f\n"
                     "    b 1b\n"
                     "4:  pop {r0}\n"
                     "    pop {r4-r7}\n"
                     "    mov r8, r4\n"
                     "    mov r9, r5\n"
                     "    mov r10, r6\n"
                     "    mov r11, r7\n"
                     "    pop {r4-r7, pc}\n"
                     "3:  requantize r8, 1\n"
                     "    requantize r9, 1\n"
                     "    requantize r10, 1\n"
                     "    requantize r11, 1\n"
                     "    requantize r12, 1\n"
                     "    b 2b\n"
                     ".purgem add_product\n"
                     ".purgem add_tap\n"
                     ".purgem add_row\n"
                     ".purgem requantize\n");
}

#else

static int8_t filter_one(const filter_3x3 *filter, const int32_t *at)
{
    const uint32_t head[] = {
        filter->bias,     filter->range, filter->multiplier_high,  filter->multiplier_low,
        filter->constant, filter->zero,  filter->constant_negative};
    const qe_m0_output output = {filter->maximum, filter->span, filter->shift, filter->signed_ties};
    const int32_t *weights = filter->weights;
    uint32_t sum = filter->bias;
    for (int32_t row = 0; row < 3; row++) {
        const int32_t *third = at + 1 + (filter->to_third + 4 * STEP) / 4;
        sum += (uint32_t)(at[0] * weights[0] + at[1] * weights[1] + third[0] * weights[2]);
        at = third + (filter->to_row + 4 * STEP) / 4;
        weights += 3;
    }
    return qe_m0_requantize(head, (int32_t)sum, &output);
}

static void run_steps(filter_3x3 *filter)
{
    for (; filter->steps > 0; filter->steps--) {
        for (int32_t i = 0; i < STEP; i++) {
            *filter->output++ = filter_one(filter, filter->at++);
        }
    }
}

#endif

static filter_3x3 prepare_3x3(const qe_depthwise_conv_m0_params *params, const uint32_t *record)
{
    const int8_t *weights = (const int8_t *)(record + params->head_words);
    const int32_t row = 4 * params->row_words;
    filter_3x3 filter = {
        .bias = record[QE_M0_BIAS],
        .range = record[QE_M0_RANGE],
        .multiplier_high = record[QE_M0_MULTIPLIER_HIGH],
        .multiplier_low = record[QE_M0_MULTIPLIER_LOW],
        .constant = record[QE_M0_CONSTANT],
        .shift = params->requantization.shift,
        .maximum = params->requantization.maximum,
        .span = params->requantization.span,
        .signed_ties = params->requantization.signed_ties,
    };
    if (filter.signed_ties) {
        filter.zero = record[QE_M0_ZERO];
        filter.constant_negative = record[QE_M0_CONSTANT_NEGATIVE];
    }
    /* Pixels are read five words at a time; the second tap is the first one's neighbour. */
    const int32_t third = params->stride.w == 1 ? 8 : 4 * params->even_words;
    filter.to_third = third - (4 + 4 * STEP);
    filter.to_row = row - (third + 4 * STEP);
    for (int32_t i = 0; i < TAPS_3X3; i++) {
        filter.weights[i] = weights[i];
    }
    return filter;
}

/* A row's last outputs are computed together with some before them once more; a row of fewer than
 * five goes through a buffer. */
static void filter_row(filter_3x3 *filter, const int32_t *row, int32_t width, int8_t *output)
{
    filter->at = row;
    filter->output = output;
    filter->steps = width / STEP;
    if (width < STEP) {
        int8_t five[STEP] = {0};
        filter->output = five;
        filter->steps = 1;
        run_steps(filter);
        for (int32_t x = 0; x < width; x++) {
            output[x] = five[x];
        }
        return;
    }
    run_steps(filter);
    if (width % STEP != 0) {
        filter->at = row + width - STEP;
        filter->output = output + width - STEP;
        filter->steps = 1;
        run_steps(filter);
    }
}

static void filter_3x3_rows(const qe_depthwise_conv_m0_params *params, const uint32_t *record,
                            const int32_t *window, int32_t rows, int8_t *output)
{
    filter_3x3 filter = prepare_3x3(params, record);
    for (; rows > 0; rows--) {
        filter_row(&filter, window, params->output.w, output);
        window += params->stride.h * params->row_words;
        output += params->output.w;
    }
}

static int32_t sum_taps(const qe_depthwise_conv_m0_params *params, const int8_t *weights,
                        const int32_t *at)
{
    const int32_t down = params->dilation.h * params->row_words;
    int32_t sum = 0;
    for (int32_t y = 0; y < params->kernel.h; y++, at += down) {
        const int32_t *x = at;
        for (int32_t left = params->kernel.w; left > 0; left--, x += params->dilation.w) {
            sum += *x * *weights++;
        }
    }
    return sum;
}

static void filter_any_rows(const qe_depthwise_conv_m0_params *params, const uint32_t *record,
                            const int32_t *window, int32_t rows, int8_t *output)
{
    const int8_t *weights = (const int8_t *)(record + params->head_words);
    for (; rows > 0; rows--) {
        const int32_t *at = window;
        for (int32_t left = params->output.w; left > 0; left--, at += params->stride.w) {
            const uint32_t sum = record[QE_M0_BIAS] + (uint32_t)sum_taps(params, weights, at);
            *output++ = qe_m0_requantize(record, (int32_t)sum, &params->requantization);
        }
        window += params->stride.h * params->row_words;
    }
}

static int32_t window_rows(const qe_depthwise_conv_m0_params *params, int32_t output_rows)
{
    return (output_rows - 1) * params->stride.h + (params->kernel.h - 1) * params->dilation.h + 1;
}

/* Output rows that the window serves, of all outputs of one input channel. */
static void filter_band(const qe_depthwise_conv_m0_params *params, filter_rows *filter,
                        const uint32_t *records, const int32_t *window, int32_t rows,
                        int8_t *output)
{
    for (int32_t left = params->channel_outputs; left > 0; left--) {
        filter(params, records, window, rows, output);
        records += params->record_words;
        output += params->output.h * params->output.w;
    }
}

static void fill(int32_t *to, int32_t value, int32_t count)
{
    for (; count > 0; count--) {
        *to++ = value;
    }
}

/* The window's next row: input row y, or padding. Its sides are padding since the start. */
static void load_row(const qe_depthwise_conv_m0_params *params, const int8_t *plane, int32_t y,
                     int32_t *row)
{
    const int8_t *from = plane + y * params->input.w;
    const int8_t *end = from + params->input.w;
    if (y < 0 || y >= params->input.h) {
        fill(row, params->input_zero_point, params->row_words);
    } else if (params->even_words == 0) {
        for (row += params->padding.w; from != end; from++) {
            *row++ = *from;
        }
    } else {
        for (int32_t column = params->padding.w; from != end; from++, column++) {
            row[column / 2 + (column % 2) * params->even_words] = *from;
        }
    }
}

/* A channel: band after band, keeping the rows that two bands share. */
static void filter_channel(const qe_depthwise_conv_m0_params *params, filter_rows *filter,
                           const uint32_t *records, const int8_t *plane, int8_t *output,
                           int32_t *window)
{
    const int32_t advance = params->band * params->stride.h;
    int32_t loaded = 0, next = -params->padding.h;
    for (int32_t first = 0; first < params->output.h; first += params->band) {
        const int32_t left = params->output.h - first;
        const int32_t rows = left < params->band ? left : params->band;
        if (first > 0 && loaded > advance) {
            loaded -= advance;
            memmove(window, window + advance * params->row_words,
                    (size_t)(4 * loaded * params->row_words));
        } else if (first > 0) {
            next += advance - loaded;
            loaded = 0;
        }
        for (; loaded < window_rows(params, rows); loaded++, next++) {
            load_row(params, plane, next, window + loaded * params->row_words);
        }
        filter_band(params, filter, records, window, rows, output + first * params->output.w);
    }
}

static void filter_channels(const qe_depthwise_conv_m0_params *params, filter_rows *filter,
                            const int8_t *input, int8_t *output, int32_t *window)
{
    const uint32_t *records = params->records;
    fill(window, params->input_zero_point, window_rows(params, params->band) * params->row_words);
    for (int32_t left = params->input.c; left > 0; left--) {
        filter_channel(params, filter, records, input, output, window);
        records += params->channel_outputs * params->record_words;
        input += params->input.h * params->input.w;
        output += params->channel_outputs * params->output.h * params->output.w;
    }
}

void qe_depthwise_conv_3x3_m0(const qe_depthwise_conv_m0_params *params, const int8_t *input,
                              int8_t *output, void *scratch)
{
    filter_channels(params, filter_3x3_rows, input, output, scratch);
}

void qe_depthwise_conv_m0(const qe_depthwise_conv_m0_params *params, const int8_t *input,
                          int8_t *output, void *scratch)
{
    filter_channels(params, filter_any_rows, input, output, scratch);
}

/* CONV_2D for the Cortex-M DSP extension: tiles of three pixels, two output channels at a time.
 * docs/kernels-cortex-m4.md explains the arithmetic and counts the instructions. */
#include "qe_conv_dsp.h"

#define TILE_PIXELS 3
#define GROUP_WORDS (2 * TILE_PIXELS)
#define MINUS_127 0xFF81FF81U /* (-127, -127) */
#define LOW_FLIP 0x007F007FU  /* turns the even bytes x of a word into 127 - x */

/* Several times the code otherwise, for a few instructions less. */
#if defined(__GNUC__)
#define OUT_OF_LINE __attribute__((noinline))
#else
#define OUT_OF_LINE
#endif

/* One tile on its way through the output channels. The assembly below knows the offsets. */
typedef struct {
    int32_t zero_point2;      /*  0 */
    int32_t negative_mask;    /*  4 */
    int32_t half;             /*  8 */
    const uint32_t *pixels;   /* 12: per four taps a[0] a[1] a[2] b[0] b[1] b[2], one a pixel */
    int32_t rounds;           /* 16: of UNROLL groups, the first one perhaps shorter */
    uint32_t skipped;         /* 20: bytes of code that the first round leaves out */
    int8_t *output;           /* 24: pixel 0 of the next channel */
    int32_t pixel1;           /* 28: bytes from pixel 0 to pixels 1 and 2 */
    int32_t pixel2;           /* 32 */
    int32_t channel_step;     /* 36 */
    const int8_t *output_end; /* 40 */
    const uint32_t *records;  /* 44: of the next channel pair */
} qe_tile;

#if QE_HAS_DSP

#define UNROLL 8
#define GROUP_CODE_BYTES(pixels) ((pixels) == 3 ? 68 : 52)

/* r0 records, r1 pixels, r2 rounds, r3-r4 weights, r5-r10 sums, r11 r12 lr pixels of one group.
 * That is every register there is, so the function is written as a whole: gcc 12 can neither keep
 * 14 registers in an asm statement nor schedule this loop from intrinsics (1.10 instructions a MAC
 * instead of 0.91). On the stack: four words of the record's head, above them the address of the
 * tile's fourth word. A shift in a register counts in its low byte alone, so that the heads'
 * upper bytes need not be cleared. A tile of two pixels leaves out what the third one needs. */
#define RUN_CHANNELS                                                                               \
    ".macro third instruction:vararg\n" /* of a tile's pixels */                                   \
    ".if pixels == 3\n"                                                                            \
    "    \\instruction\n"                                                                          \
    ".endif\n"                                                                                     \
    ".endm\n"                                                                                      \
    ".macro load_pixels\n"                                                                         \
    ".if pixels == 3\n"                                                                            \
    "    ldmia.w r1!, {r11, r12, lr}\n"                                                            \
    ".else\n"                                                                                      \
    "    ldrd r11, r12, [r1], #8\n"                                                                \
    ".endif\n"                                                                                     \
    ".endm\n"                                                                                      \
    ".macro multiply\n"                                                                            \
    "    smlad r5, r11, r3, r5\n"                                                                  \
    "    smlad r6, r12, r3, r6\n"                                                                  \
    "    third smlad r7, lr, r3, r7\n"                                                             \
    "    smlad r8, r11, r4, r8\n"                                                                  \
    "    smlad r9, r12, r4, r9\n"                                                                  \
    "    third smlad r10, lr, r4, r10\n"                                                           \
    ".endm\n"                                                                                      \
    ".macro requantize acc, multiplier, shift, offset\n"                                           \
    "    smmla \\acc, \\acc, \\multiplier, \\offset\n"                                             \
    "    asr.w \\acc, \\acc, \\shift\n"                                                            \
    "    ssat \\acc, #8, \\acc, asr #1\n"                                                          \
    ".endm\n"                                                                                      \
    ".macro requantize_signed acc, multiplier, shift, offset, mask, temporary\n"                   \
    "    and.w \\temporary, \\mask, \\acc, asr #31\n"                                              \
    "    add \\temporary, \\temporary, \\offset\n"                                                 \
    "    requantize \\acc, \\multiplier, \\shift, \\temporary\n"                                   \
    ".endm\n"                                                                                      \
    "    push {r4-r11, lr}\n"                                                                      \
    "    ldr r1, [r0, #20]\n" /* skipped becomes the address where a sum starts */                 \
    "    adr r2, 2f\n"                                                                             \
    "    add r1, r2\n"                                                                             \
    "    orr r1, #1\n"                                                                             \
    "    str r1, [r0, #20]\n"                                                                      \
    "    add r1, r0, #12\n"                                                                        \
    "    push {r1}\n"                                                                              \
    "    ldr r0, [r0, #44]\n"                                                                      \
    "1:  ldmia r0!, {r3, r4, r11, r12}\n" /* head: two biases with shifts, two multipliers */      \
    "    push {r3, r4, r11, r12}\n"                                                                \
    "    bic r5, r3, #255\n"                                                                       \
    "    bic r8, r4, #255\n"                                                                       \
    "    ldr r2, [sp, #16]\n"                                                                      \
    "    mov r6, r5\n"                                                                             \
    "    third mov r7, r5\n"                                                                       \
    "    mov r9, r8\n"                                                                             \
    "    third mov r10, r8\n"                                                                      \
    "    ldmia.w r2, {r1, r2, pc}\n" /* pixels, rounds, start */                                   \
    "    .p2align 2\n"                                                                             \
    "2:\n"                                                                                         \
    "    .rept 8\n"                                                                                \
    "    ldrd r3, r4, [r0], #8\n"                                                                  \
    "    load_pixels\n"                                                                            \
    "    multiply\n"                                                                               \
    "    load_pixels\n"                                                                            \
    "    sxtb16 r3, r3\n"                                                                          \
    "    sxtb16 r4, r4\n"                                                                          \
    "    multiply\n"                                                                               \
    "    .endr\n"                                                                                  \
    "    subs r2, #1\n"                                                                            \
    "    bne.w 2b\n"                                                                               \
    "    pop {r3, r4, r11, r12}\n"                                                                 \
    "    ldr lr, [sp]\n"                                                                           \
    "    ldmdb lr, {r1, r2, lr}\n" /* zero_point2, negative_mask, half */                          \
    "    cmp r2, #0\n"                                                                             \
    "    bne.w 4f\n"                                                                               \
    "    lsl.w r2, r1, r3\n"                                                                       \
    "    add r2, lr\n"                                                                             \
    "    lsls r1, r4\n"                                                                            \
    "    add r1, lr\n"                                                                             \
    "    requantize r5, r11, r3, r2\n"                                                             \
    "    requantize r6, r11, r3, r2\n"                                                             \
    "    third requantize r7, r11, r3, r2\n"                                                       \
    "    requantize r8, r12, r4, r1\n"                                                             \
    "    requantize r9, r12, r4, r1\n"                                                             \
    "    third requantize r10, r12, r4, r1\n"                                                      \
    "3:  ldr lr, [sp]\n"                                                                           \
    "    add lr, #12\n"                                                                            \
    "    ldmia.w lr, {r1, r2, r3, r4, r11}\n" /* output to output_end */                           \
    "    third strb r7, [r1, r3]\n"                                                                \
    "    strb r6, [r1, r2]\n"                                                                      \
    "    strb r5, [r1]\n"                                                                          \
    "    add r1, r4\n"                                                                             \
    "    third strb.w r10, [r1, r3]\n"                                                             \
    "    strb.w r9, [r1, r2]\n"                                                                    \
    "    strb.w r8, [r1]\n"                                                                        \
    "    add r1, r4\n"                                                                             \
    "    str r1, [lr]\n"                                                                           \
    "    cmp r1, r11\n"                                                                            \
    "    bne.w 1b\n"                                                                               \
    "    str r0, [lr, #20]\n" /* records */                                                        \
    "    pop {r0}\n"                                                                               \
    "    pop {r4-r11, pc}\n"                                                                       \
    "4:  push {r0}\n"                                                                              \
    "    lsl.w r0, r1, r3\n"                                                                       \
    "    add r0, lr\n"                                                                             \
    "    lsls r1, r4\n"                                                                            \
    "    add r1, lr\n"                                                                             \
    "    requantize_signed r5, r11, r3, r0, r2, lr\n"                                              \
    "    requantize_signed r6, r11, r3, r0, r2, lr\n"                                              \
    "    third requantize_signed r7, r11, r3, r0, r2, lr\n"                                        \
    "    requantize_signed r8, r12, r4, r1, r2, lr\n"                                              \
    "    requantize_signed r9, r12, r4, r1, r2, lr\n"                                              \
    "    third requantize_signed r10, r12, r4, r1, r2, lr\n"                                       \
    "    pop {r0}\n"                                                                               \
    "    b 3b\n"                                                                                   \
    ".purgem third\n"                                                                              \
    ".purgem load_pixels\n"                                                                        \
    ".purgem multiply\n"                                                                           \
    ".purgem requantize\n"                                                                         \
    ".purgem requantize_signed\n"

__attribute__((naked, noinline)) static void run_channels(qe_tile *tile __attribute__((unused)))
{
    __asm__ volatile(".set pixels, 3\n" RUN_CHANNELS);
}

__attribute__((naked, noinline)) static void run_channels_of_two(qe_tile *tile
                                                                 __attribute__((unused)))
{
    __asm__ volatile(".set pixels, 2\n" RUN_CHANNELS);
}

#else

#define UNROLL 1
#define GROUP_CODE_BYTES(pixels) (0 * (pixels))

static int32_t dot_product(const uint32_t *pixel, const uint32_t *weights, int32_t groups,
                           int32_t pixels, int32_t acc)
{
    for (int32_t group = 0; group < groups; group++) {
        acc = qe_smlad(pixel[0], weights[0], acc);
        acc = qe_smlad(pixel[pixels], qe_sxtb16(weights[0]), acc);
        pixel += 2 * pixels;
        weights += 2;
    }
    return acc;
}

static void run_channel(const qe_tile *tile, const uint32_t *record, int32_t channel,
                        int32_t pixels)
{
    const int32_t multiplier = (int32_t)record[2 + channel];
    const int32_t shift = (int32_t)(record[channel] & 0xFFU);
    const int32_t offset = tile->zero_point2 * (int32_t)(1U << shift) + tile->half;
    const int32_t at[TILE_PIXELS] = {0, tile->pixel1, tile->pixel2};
    for (int32_t pixel = pixels - 1; pixel >= 0; pixel--) {
        int32_t acc = dot_product(tile->pixels + pixel, record + 4 + channel, tile->rounds, pixels,
                                  (int32_t)(record[channel] & 0xFFFFFF00U));
        tile->output[at[pixel]] =
            qe_requantize256(acc, multiplier, shift, offset, tile->negative_mask);
    }
}

static void run_all_channels(qe_tile *tile, int32_t pixels)
{
    do {
        run_channel(tile, tile->records, 0, pixels);
        tile->output += tile->channel_step;
        run_channel(tile, tile->records, 1, pixels);
        tile->output += tile->channel_step;
        tile->records += 4 + 2 * tile->rounds;
    } while (tile->output != tile->output_end);
}

static void run_channels(qe_tile *tile)
{
    run_all_channels(tile, 3);
}

static void run_channels_of_two(qe_tile *tile)
{
    run_all_channels(tile, 2);
}

#endif

/* Bytes x[0] x[1] x[2] x[3] of one pixel become a = (x[0] - 127, x[2] - 127) and
 * b = (256 * x[1] - a[0], 256 * x[3] - a[1]): the low byte of -a is x ^ 0x7F. */
static inline void expand_group(uint32_t *slot, const int8_t *bytes, int32_t pixels)
{
    const uint32_t x = qe_load4(bytes);
    slot[0] = qe_sxtab16(MINUS_127, x);
    slot[pixels] = x ^ LOW_FLIP;
}

/* Groups of one pixel of a tile of so many. */
static inline uint32_t *expand_into(uint32_t *slot, const int8_t *bytes, int32_t groups,
                                    int32_t pixels)
{
    const int32_t step = 2 * pixels;
    for (; groups >= 4; groups -= 4) {
        expand_group(slot, bytes, pixels);
        expand_group(slot + step, bytes + 4, pixels);
        expand_group(slot + 2 * step, bytes + 8, pixels);
        expand_group(slot + 3 * step, bytes + 12, pixels);
        slot += 4 * step;
        bytes += 16;
    }
    for (; groups > 0; groups--) {
        expand_group(slot, bytes, pixels);
        slot += step;
        bytes += 4;
    }
    return slot;
}

OUT_OF_LINE static uint32_t *expand(uint32_t *slot, const int8_t *bytes, int32_t groups)
{
    return expand_into(slot, bytes, groups, TILE_PIXELS);
}

OUT_OF_LINE static uint32_t *expand_of_two(uint32_t *slot, const int8_t *bytes, int32_t groups)
{
    return expand_into(slot, bytes, groups, 2);
}

typedef uint32_t *expand_run(uint32_t *slot, const int8_t *bytes, int32_t groups);

static int32_t clamp_to(int32_t value, int32_t maximum)
{
    return value < 0 ? 0 : (value > maximum ? maximum : value);
}

/* A row of taps: the columns that exist, to where they belong. x: column of the first tap. */
static void collect_row(const qe_conv_dsp_params *params, const int8_t *row, int32_t x,
                        int8_t *taps)
{
    const int32_t c = params->input.c, width = params->input.w;
    if (params->dilation.w == 1) {
        const int32_t before = clamp_to(-x, params->kernel.w);
        const int32_t until = clamp_to(width - x, params->kernel.w);
        if (before < until) {
            qe_copy(taps + before * c, row + (x + before) * c, (until - before) * c);
        }
        return;
    }
    for (int32_t left = params->kernel.w; left > 0; left--, x += params->dilation.w, taps += c) {
        if (x >= 0 && x < width) {
            qe_copy(taps, row + x * c, c);
        }
    }
}

/* All taps of one output pixel, contiguous, where some may not exist. y, x: position of the
 * kernel's corner. */
static void collect_taps(const qe_conv_dsp_params *params, const int8_t *input, int32_t y,
                         int32_t x, int8_t *taps)
{
    const uint32_t padding = 0x01010101U * (uint8_t)params->input_zero_point;
    for (int32_t group = 0; group < params->groups; group++) {
        memcpy(taps + 4 * group, &padding, 4);
    }
    for (int32_t left = params->kernel.h; left > 0; left--, y += params->dilation.h) {
        if (y >= 0 && y < params->input.h) {
            collect_row(params, input + y * params->input.w * params->input.c, x, taps);
        }
        taps += params->kernel.w * params->input.c;
    }
}

/* Whether the window at y, x lies inside the input and each of its rows is one run of bytes. */
static int is_plain(const qe_conv_dsp_params *params, int32_t y, int32_t x)
{
    const int32_t last_y = y + (params->kernel.h - 1) * params->dilation.h;
    const int32_t last_x = x + params->kernel.w - 1;
    return y >= 0 && x >= 0 && last_y < params->input.h && last_x < params->input.w &&
           params->dilation.w == 1;
}

/* One output pixel of which all taps exist; `corner` is the first. Rows of whole words are expanded
 * where they lie. */
static void expand_plain(const qe_conv_dsp_params *params, const int8_t *corner, int8_t *taps,
                         uint32_t *slot)
{
    const int32_t run = params->kernel.w * params->input.c;
    const int32_t row = params->dilation.h * params->input.w * params->input.c;
    if (run % 4 == 0) {
        for (int32_t left = params->kernel.h; left > 0; left--, corner += row) {
            slot = expand(slot, corner, run / 4);
        }
    } else {
        int8_t *to = taps;
        for (int32_t left = params->kernel.h; left > 0; left--, corner += row) {
            qe_copy(to, corner, run);
            to += run;
        }
        expand(slot, taps, params->groups);
    }
}

static void clamp_pixel(const qe_conv_dsp_params *params, int8_t *output)
{
    for (int32_t channel = 0; channel < params->output.c; channel++) {
        *output = qe_dsp_clamp(*output, &params->quantization);
        output += params->channel_step;
    }
}

/* The expanded tile through all output channels; `count` of its pixels exist. */
static void run_tile_of(const qe_conv_dsp_params *params, const uint32_t *pixels, int8_t *output,
                        int32_t count, int32_t size, void (*run)(qe_tile *tile))
{
    const int32_t rounds = (params->groups + UNROLL - 1) / UNROLL;
    const uint32_t skipped =
        (uint32_t)((rounds * UNROLL - params->groups) * GROUP_CODE_BYTES(size));
    const int32_t paired = params->output.c / 2 * 2 * params->channel_step;
    /* A pixel that does not exist is stored where an existing one is stored after it. */
    qe_tile tile = {
        .zero_point2 = params->quantization.zero_point2,
        .negative_mask = params->quantization.negative_mask,
        .half = params->quantization.half,
        .pixels = pixels,
        .rounds = rounds,
        .skipped = skipped,
        .output = output,
        .pixel1 = count > 1 ? params->pixel_step : 0,
        .pixel2 = (count - 1) * params->pixel_step,
        .channel_step = params->channel_step,
        .output_end = output + paired,
        .records = params->records,
    };
    if (paired > 0) {
        run(&tile);
    }
    if (params->output.c % 2 != 0) {
        tile.skipped = skipped;
        tile.channel_step = 0;
        run(&tile);
    }
    if (qe_dsp_needs_clamp(&params->quantization)) {
        for (int32_t pixel = 0; pixel < count; pixel++) {
            clamp_pixel(params, output + pixel * params->pixel_step);
        }
    }
}

static void run_tile(const qe_conv_dsp_params *params, const uint32_t *pixels, int8_t *output,
                     int32_t count)
{
    run_tile_of(params, pixels, output, count, TILE_PIXELS, run_channels);
}

void qe_conv_dsp(const qe_conv_dsp_params *params, const int8_t *input, int8_t *output,
                 void *scratch)
{
    uint32_t *pixels = scratch;
    int8_t *taps = (int8_t *)(pixels + GROUP_WORDS * params->groups);
    const int32_t count = params->output.h * params->output.w;
    int32_t y = -params->padding.h;
    int32_t column = 0;

    memset(taps + 4 * params->groups - 4, 0, 4);
    for (int32_t first = 0; first < count; first += TILE_PIXELS) {
        const int32_t pixels_left = count - first;
        const int32_t in_tile = pixels_left < TILE_PIXELS ? pixels_left : TILE_PIXELS;
        for (int32_t pixel = 0; pixel < in_tile; pixel++) {
            const int32_t x = column * params->stride.w - params->padding.w;
            if (is_plain(params, y, x)) {
                expand_plain(params, input + (y * params->input.w + x) * params->input.c, taps,
                             pixels + pixel);
            } else {
                collect_taps(params, input, y, x, taps);
                expand(pixels + pixel, taps, params->groups);
            }
            if (++column == params->output.w) {
                column = 0;
                y += params->stride.h;
            }
        }
        run_tile(params, pixels, output + first * params->pixel_step, in_tile);
    }
}

/* Four channels of three neighbouring pixels at a time: words of four neighbours, transposed. */
static void collect_planes(const int8_t *input, int32_t plane, int32_t groups, uint32_t *slot)
{
    for (; groups > 0; groups--) {
        const uint32_t c0 = qe_load4(input);
        const uint32_t c1 = qe_load4(input + plane);
        const uint32_t c2 = qe_load4(input + 2 * plane);
        const uint32_t c3 = qe_load4(input + 3 * plane);
        const uint32_t c0_even = qe_sxtab16(MINUS_127, c0), c0_odd = qe_sxtab16_ror8(MINUS_127, c0);
        const uint32_t c2_even = qe_sxtab16(MINUS_127, c2), c2_odd = qe_sxtab16_ror8(MINUS_127, c2);
        const uint32_t a0 = qe_pack_low(c0_even, c2_even);
        const uint32_t a1 = qe_pack_low(c0_odd, c2_odd);
        const uint32_t a2 = qe_pack_high(c0_even, c2_even);
        const uint32_t c1_even = qe_uxtb16(c1), c1_odd = qe_uxtb16_ror8(c1);
        const uint32_t c3_even = qe_uxtb16(c3), c3_odd = qe_uxtb16_ror8(c3);
        slot[0] = a0;
        slot[1] = a1;
        slot[2] = a2;
        slot[3] = qe_ssub16(qe_pack_low(c1_even, c3_even) << 8, a0);
        slot[4] = qe_ssub16(qe_pack_low(c1_odd, c3_odd) << 8, a1);
        slot[5] = qe_ssub16(qe_pack_high(c1_even, c3_even) << 8, a2);
        slot += GROUP_WORDS;
        input += 4 * plane;
    }
}

/* The same where four neighbours or four channels do not exist: nothing else is read. */
static void collect_planes_end(const qe_conv_dsp_params *params, const int8_t *input, int32_t plane,
                               int32_t count, uint32_t *slot)
{
    for (int32_t left = params->input.c; left > 0; left -= 4) {
        int8_t words[4][4] = {{0}};
        for (int32_t channel = 0; channel < 4 && channel < left; channel++, input += plane) {
            qe_copy(words[channel], input, count);
        }
        collect_planes(words[0], 4, 1, slot);
        slot += GROUP_WORDS;
    }
}

void qe_conv_1x1_planar_dsp(const qe_conv_dsp_params *params, const int8_t *input, int8_t *output,
                            void *scratch)
{
    uint32_t *pixels = scratch;
    const int32_t plane = params->input.h * params->input.w;
    for (int32_t first = 0; first < plane; first += TILE_PIXELS) {
        const int32_t left = plane - first;
        const int32_t in_tile = left < TILE_PIXELS ? left : TILE_PIXELS;
        if (left > TILE_PIXELS && params->input.c % 4 == 0) {
            collect_planes(input + first, plane, params->groups, pixels);
        } else {
            collect_planes_end(params, input + first, plane, in_tile, pixels);
        }
        run_tile(params, pixels, output + first * params->pixel_step, in_tile);
    }
}

static void run_tile_of_two(const qe_conv_dsp_params *params, const uint32_t *pixels,
                            int8_t *output, int32_t count)
{
    run_tile_of(params, pixels, output, count, 2, run_channels_of_two);
}

/* One row of output, from rows of input that may lie anywhere. */

/* A row of taps of one pixel, of which some may not exist. */
static void collect_edge(const qe_conv_dsp_params *params, const int8_t *row, int32_t x,
                         int8_t *taps)
{
    memset(taps, params->input_zero_point, (size_t)(params->kernel.w * params->input.c));
    if (row != NULL) {
        collect_row(params, row, x, taps);
    }
}

/* All taps of one pixel of a tile. Rows of whole words are expanded where they lie. */
static void expand_rows(const qe_conv_dsp_params *params, const void *const *rows, int32_t x,
                        int8_t *taps, uint32_t *slot, expand_run *expand_taps)
{
    const int32_t run = params->kernel.w * params->input.c;
    const int32_t at = x * params->input.c;
    const int inside = x >= 0 && x + params->kernel.w <= params->input.w && params->dilation.w == 1;
    const void *const *rows_end = rows + params->kernel.h;
    if (run % 4 == 0) {
        for (; rows != rows_end; rows++) {
            const int8_t *from = *rows;
            if (inside && from != NULL) {
                from += at;
            } else {
                collect_edge(params, from, x, taps);
                from = taps;
            }
            slot = expand_taps(slot, from, run / 4);
        }
        return;
    }
    for (int8_t *to = taps; rows != rows_end; rows++, to += run) {
        const int8_t *from = *rows;
        if (inside && from != NULL) {
            qe_copy(to, from + at, run);
        } else {
            collect_edge(params, from, x, to);
        }
    }
    expand_taps(slot, taps, params->groups);
}

/* How many pixels the next tile has: threes, but twos where they leave nothing over. */
static int32_t next_tile(int32_t left, int32_t most)
{
    return (most == 2 || left == 4 || left < 3) ? 2 : 3;
}

static void conv_row(const qe_conv_dsp_params *params, const void *const *rows, int8_t *output,
                     uint32_t *pixels, int32_t most)
{
    int8_t *taps = (int8_t *)(pixels + 2 * most * params->groups);
    int32_t x = -params->padding.w;
    if (params->kernel.w * params->input.c % 4 != 0) {
        memset(taps + 4 * params->groups - 4, 0, 4);
    }
    for (int32_t left = params->output.w; left > 0;) {
        const int32_t size = next_tile(left, most);
        const int32_t count = left < size ? left : size;
        for (int32_t pixel = 0; pixel < count; pixel++, x += params->stride.w) {
            expand_rows(params, rows, x, taps, pixels + pixel, size == 3 ? expand : expand_of_two);
        }
        if (size == 3) {
            run_tile(params, pixels, output, count);
        } else {
            run_tile_of_two(params, pixels, output, count);
        }
        output += count * params->pixel_step;
        left -= count;
    }
}

void qe_conv_row_dsp(const qe_conv_dsp_params *params, const void *const *rows, int8_t *output,
                     void *scratch)
{
    conv_row(params, rows, output, scratch, 3);
}

void qe_conv_row_small_dsp(const qe_conv_dsp_params *params, const void *const *rows,
                           int8_t *output, void *scratch)
{
    conv_row(params, rows, output, scratch, 2);
}

/* Four channels of two neighbouring pixels at a time: bytes `shift` / 8 and the next of words. */
static void collect_pair(const int8_t *input, int32_t plane, int32_t groups, int32_t shift,
                         uint32_t *slot)
{
    for (; groups > 0; groups--) {
        const uint32_t c0 = qe_load4(input) >> shift;
        const uint32_t c1 = qe_load4(input + plane) >> shift;
        const uint32_t c2 = qe_load4(input + 2 * plane) >> shift;
        const uint32_t c3 = qe_load4(input + 3 * plane) >> shift;
        const uint32_t even = qe_pack_low(c0, c2), odd = qe_pack_low(c1, c3);
        const uint32_t a0 = qe_sxtab16(MINUS_127, even), a1 = qe_sxtab16_ror8(MINUS_127, even);
        slot[0] = a0;
        slot[1] = a1;
        slot[2] = qe_ssub16((odd & 0x00FF00FFU) << 8, a0);
        slot[3] = qe_ssub16(odd & 0xFF00FF00U, a1);
        slot += 4;
        input += 4 * plane;
    }
}

void qe_conv_1x1_planar_row_dsp(const qe_conv_dsp_params *params, const void *const *rows,
                                int8_t *output, void *scratch)
{
    const int8_t *row = rows[0];
    const int32_t width = params->input.w;
    const int32_t by_words = width >= 4 && params->input.c % 4 == 0;
    for (int32_t first = 0; first < width;) {
        const int32_t left = width - first;
        const int32_t size = by_words ? next_tile(left, 3) : 3;
        const int32_t count = left < size ? left : size;
        /* A word that would end behind its row begins before the tile. */
        const int32_t before = left < 4 ? 4 - left : 0;
        if (size == 2) {
            collect_pair(row + first - before, width, params->groups, 8 * before, scratch);
            run_tile_of_two(params, scratch, output, count);
        } else {
            if (by_words && before == 0) {
                collect_planes(row + first, width, params->groups, scratch);
            } else {
                collect_planes_end(params, row + first, width, count, scratch);
            }
            run_tile(params, scratch, output, count);
        }
        output += count * params->pixel_step;
        first += count;
    }
}

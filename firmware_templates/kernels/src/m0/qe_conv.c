/* CONV_2D for cores without DSP instructions: tiles of five pixels, one output channel at a time.
 * docs/kernels-cortex-m0.md explains the arithmetic and counts the instructions. */
#include "qe_conv_m0.h"

#define TILE_PIXELS 5

/* One tile on its way through the output channels. The assembly below knows the offsets. */
typedef struct {
    const int32_t *pixels;   /*  0: -128 * sum of each pixel; then per tap a word of each */
    int32_t taps;            /*  4 */
    uint32_t start;          /*  8: bytes of code that the first round of UNROLL taps leaves out */
    int32_t skipped;         /* 12: taps likewise */
    const uint32_t *records; /* 16: of the next channel */
    int8_t *output;          /* 20: pixel 0 of the next channel */
    int32_t pixel_step;      /* 24 */
    int32_t channel_step;    /* 28 */
    int32_t channels;        /* 32: left, at least one */
    int32_t maximum;         /* 36: as in qe_m0_output */
    int32_t span;            /* 40 */
    int32_t shift;           /* 44 */
    int32_t signed_ties;     /* 48 */
    int32_t record_bytes;    /* 52 */
    int32_t head_bytes;      /* 56 */
} qe_tile;

#if QE_HAS_THUMB

#define UNROLL 16
#define TAP_CODE_BYTES 24

/* r0-r4 pixels of one tap, r5 weight, r6 pixels, r7 weights, r8-r12 sums, lr end of the weights:
 * one LDM brings five pixels, that the products may destroy, and one LDRB with an immediate offset
 * a weight: 12 instructions for five MACs. On the stack: the tile. Requantization: r0 sum, r1
 * range, r2 r3 multipliers, r4 constant, r5 shift, r6 output, r7 anything, lr pixel step. */
__attribute__((naked, noinline)) static void run_channels(qe_tile *tile __attribute__((unused)))
{
    __asm__ volatile(
        ".syntax unified\n"
        ".macro add_product pixel, sum\n" QE_M0_ADD_PRODUCT ".endm\n"
        ".macro requantize sum, signed, tile\n"
        "    mov r0, \\sum\n"
        "    cmp r0, r1\n"
        "    blo 7f\n"
        "    ldr r7, [sp, #\\tile]\n"
        "    asrs r0, r0, #31\n"
        "    ldr r7, [r7, #40]\n" /* span */
        "    ands r0, r7\n"
        "    ldr r7, [sp, #\\tile]\n"
        "    ldr r7, [r7, #36]\n" /* maximum */
        "    subs r0, r7, r0\n"
        "    b 8f\n"
        "7:\n"
        "    .if \\signed\n"
        "    ldr r4, [sp, #4]\n" /* constant */
        "    ldr r7, [sp]\n"     /* zero */
        "    cmp r0, r7\n"
        "    bhs 9f\n"
        "    ldr r4, [sp, #8]\n" /* constant_negative */
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
        "    add r6, lr\n"
        ".endm\n"
        "    push {r4-r7, lr}\n"
        "    mov r4, r8\n"
        "    mov r5, r9\n"
        "    mov r6, r10\n"
        "    mov r7, r11\n"
        "    push {r4-r7}\n"
        "    push {r0}\n"
        "    ldr r1, [r0, #8]\n" /* bytes of code become the address where a sum starts */
        "    adr r2, 2f\n"
        "    adds r1, r1, r2\n"
        "    str r1, [r0, #8]\n"
        "1:  ldr r7, [sp]\n"
        "    ldr r6, [r7]\n"
        "    ldmia r6!, {r0-r4}\n"
        "    ldr r5, [r7, #16]\n"
        "    ldr r5, [r5]\n" /* bias */
        "    adds r0, r0, r5\n"
        "    adds r1, r1, r5\n"
        "    adds r2, r2, r5\n"
        "    adds r3, r3, r5\n"
        "    adds r4, r4, r5\n"
        "    mov r8, r0\n"
        "    mov r9, r1\n"
        "    mov r10, r2\n"
        "    mov r11, r3\n"
        "    mov r12, r4\n"
        "    mov r0, r7\n"
        "    ldr r7, [r0, #16]\n"
        "    ldr r1, [r0, #56]\n"
        "    adds r7, r7, r1\n" /* weights */
        "    ldr r1, [r0, #4]\n"
        "    adds r1, r7, r1\n"
        "    mov lr, r1\n"
        "    ldr r1, [r0, #12]\n"
        "    subs r7, r7, r1\n"
        "    ldr r0, [r0, #8]\n"
        "    mov pc, r0\n"
        "    .p2align 2\n"
        "2:\n"
        "    .set tap, 0\n"
        "    .rept 16\n"
        "    ldmia r6!, {r0-r4}\n"
        "    ldrb r5, [r7, #tap]\n"
        "    add_product r0, r8\n"
        "    add_product r1, r9\n"
        "    add_product r2, r10\n"
        "    add_product r3, r11\n"
        "    add_product r4, r12\n"
        "    .set tap, tap + 1\n"
        "    .endr\n"
        "    adds r7, #16\n"
        "    cmp r7, lr\n"
        "    beq 3f\n"
        "    b 2b\n"
        "3:  ldr r7, [sp]\n"
        "    ldr r6, [r7, #16]\n"
        "    adds r6, #4\n"
        "    ldmia r6!, {r1-r4}\n" /* range, multipliers, constant */
        "    ldr r0, [r7, #24]\n"
        "    mov lr, r0\n"
        "    ldr r5, [r7, #44]\n"
        "    ldr r0, [r7, #48]\n"
        "    cmp r0, #0\n"
        "    bne 5f\n"
        "    ldr r6, [r7, #20]\n"
        "    requantize r8, 0, 0\n"
        "    requantize r9, 0, 0\n"
        "    requantize r10, 0, 0\n"
        "    requantize r11, 0, 0\n"
        "    requantize r12, 0, 0\n"
        "4:  ldr r7, [sp]\n"
        "    ldr r0, [r7, #20]\n"
        "    ldr r1, [r7, #28]\n"
        "    adds r0, r0, r1\n"
        "    str r0, [r7, #20]\n"
        "    ldr r0, [r7, #16]\n"
        "    ldr r1, [r7, #52]\n"
        "    adds r0, r0, r1\n"
        "    str r0, [r7, #16]\n"
        "    ldr r0, [r7, #32]\n"
        "    subs r0, #1\n"
        "    str r0, [r7, #32]\n"
        "    beq 6f\n"
        "    b 1b\n"
        "6:  pop {r0}\n"
        "    pop {r4-r7}\n"
        "    mov r8, r4\n"
        "    mov r9, r5\n"
        "    mov r10, r6\n"
        "    mov r11, r7\n"
        "    pop {r4-r7, pc}\n"
        "5:  ldmia r6!, {r0, r1}\n" /* zero, constant_negative */
        "    ldr r6, [r7, #20]\n"
        "    sub sp, #12\n"
        "    str r0, [sp]\n"
        "    str r4, [sp, #4]\n"
        "    str r1, [sp, #8]\n"
        "    ldr r7, [r7, #16]\n"
        "    ldr r1, [r7, #4]\n"
        "    requantize r8, 1, 12\n"
        "    requantize r9, 1, 12\n"
        "    requantize r10, 1, 12\n"
        "    requantize r11, 1, 12\n"
        "    requantize r12, 1, 12\n"
        "    add sp, #12\n"
        "    b 4b\n"
        ".purgem add_product\n"
        ".purgem requantize\n");
}

#else

#define UNROLL 1
#define TAP_CODE_BYTES 0

static void run_channel(const qe_tile *tile, const qe_m0_output *requantization)
{
    const uint8_t *weights = (const uint8_t *)tile->records + tile->head_bytes;
    for (int32_t pixel = 0; pixel < TILE_PIXELS; pixel++) {
        uint32_t sum = (uint32_t)tile->pixels[pixel] + tile->records[QE_M0_BIAS];
        for (int32_t tap = 0; tap < tile->taps; tap++) {
            sum += (uint32_t)(tile->pixels[TILE_PIXELS * (tap + 1) + pixel] * weights[tap]);
        }
        tile->output[pixel * tile->pixel_step] =
            qe_m0_requantize(tile->records, (int32_t)sum, requantization);
    }
}

static void run_channels(qe_tile *tile)
{
    const qe_m0_output requantization = {tile->maximum, tile->span, tile->shift, tile->signed_ties};
    for (; tile->channels > 0; tile->channels--) {
        run_channel(tile, &requantization);
        tile->output += tile->channel_step;
        tile->records += tile->record_bytes / 4;
    }
}

#endif

/* Bytes of one pixel to words, a tile apart; returns their sum. */
static int32_t spread(int32_t *slot, const int8_t *bytes, int32_t count)
{
    int32_t sum = 0;
    for (; count >= 4; count -= 4) {
        const int32_t x0 = bytes[0], x1 = bytes[1], x2 = bytes[2], x3 = bytes[3];
        slot[0] = x0;
        slot[TILE_PIXELS] = x1;
        slot[2 * TILE_PIXELS] = x2;
        slot[3 * TILE_PIXELS] = x3;
        sum += x0 + x1 + x2 + x3;
        slot += 4 * TILE_PIXELS;
        bytes += 4;
    }
    for (; count > 0; count--) {
        const int32_t x = *bytes++;
        *slot = x;
        sum += x;
        slot += TILE_PIXELS;
    }
    return sum;
}

static int32_t clamp_to(int32_t value, int32_t maximum)
{
    return value < 0 ? 0 : (value > maximum ? maximum : value);
}

static void copy(int8_t *to, const int8_t *from, int32_t count)
{
    const int8_t *end = from + count;
    while (from != end) {
        *to++ = *from++;
    }
}

/* A row of taps: the columns that exist, to where they belong. x: column of the first tap. */
static void collect_row(const qe_conv_m0_params *params, const int8_t *row, int32_t x, int8_t *taps)
{
    const int32_t c = params->input.c, width = params->input.w;
    if (params->dilation.w == 1) {
        const int32_t before = clamp_to(-x, params->kernel.w);
        const int32_t until = clamp_to(width - x, params->kernel.w);
        if (before < until) {
            copy(taps + before * c, row + (x + before) * c, (until - before) * c);
        }
        return;
    }
    for (int32_t left = params->kernel.w; left > 0; left--, x += params->dilation.w, taps += c) {
        if (x >= 0 && x < width) {
            copy(taps, row + x * c, c);
        }
    }
}

/* All taps of one output pixel, contiguous, where some may not exist. y, x: position of the
 * kernel's corner. */
static void collect_taps(const qe_conv_m0_params *params, const int8_t *input, int32_t y, int32_t x,
                         int8_t *taps)
{
    memset(taps, params->input_zero_point, (size_t)params->taps);
    for (int32_t left = params->kernel.h; left > 0; left--, y += params->dilation.h) {
        if (y >= 0 && y < params->input.h) {
            collect_row(params, input + y * params->input.w * params->input.c, x, taps);
        }
        taps += params->kernel.w * params->input.c;
    }
}

/* Whether the window at y, x lies inside the input and each of its rows is one run of bytes. */
static int is_plain(const qe_conv_m0_params *params, int32_t y, int32_t x)
{
    const int32_t last_y = y + (params->kernel.h - 1) * params->dilation.h;
    const int32_t last_x = x + params->kernel.w - 1;
    return y >= 0 && x >= 0 && last_y < params->input.h && last_x < params->input.w &&
           params->dilation.w == 1;
}

static int32_t spread_rows(const qe_conv_m0_params *params, const int8_t *corner, int32_t *slot)
{
    const int32_t run = params->kernel.w * params->input.c;
    const int32_t row = params->dilation.h * params->input.w * params->input.c;
    int32_t sum = 0;
    for (int32_t left = params->kernel.h; left > 0; left--, corner += row) {
        sum += spread(slot, corner, run);
        slot += TILE_PIXELS * run;
    }
    return sum;
}

static qe_tile new_tile(const qe_conv_m0_params *params, const int32_t *pixels)
{
    const int32_t rounds = (params->taps + UNROLL - 1) / UNROLL;
    const int32_t skipped = rounds * UNROLL - params->taps;
    const qe_tile tile = {
        .pixels = pixels,
        .taps = params->taps,
        .start = (uint32_t)(skipped * TAP_CODE_BYTES),
        .skipped = skipped,
        .records = params->records,
        .maximum = params->requantization.maximum,
        .span = params->requantization.span,
        .shift = params->requantization.shift,
        .signed_ties = params->requantization.signed_ties,
        .record_bytes = 4 * params->record_words,
        .head_bytes = 4 * params->head_words,
    };
    return tile;
}

static void run_tile(const qe_conv_m0_params *params, const int32_t *pixels, int8_t *output)
{
    qe_tile tile = new_tile(params, pixels);
    tile.output = output;
    tile.pixel_step = params->pixel_step;
    tile.channel_step = params->channel_step;
    tile.channels = params->output.c;
    run_channels(&tile);
}

/* A tile of which only the first `count` pixels exist. */
static void run_last_tile(const qe_conv_m0_params *params, const int32_t *pixels, int8_t *output,
                          int32_t count)
{
    int8_t five[TILE_PIXELS];
    qe_tile tile = new_tile(params, pixels);
    const uint32_t start = tile.start;
    tile.pixel_step = 1;
    for (int32_t channel = 0; channel < params->output.c; channel++) {
        tile.start = start;
        tile.output = five;
        tile.channels = 1;
        run_channels(&tile);
        for (int32_t pixel = 0; pixel < count; pixel++) {
            output[pixel * params->pixel_step] = five[pixel];
        }
        output += params->channel_step;
    }
}

void qe_conv_m0(const qe_conv_m0_params *params, const int8_t *input, int8_t *output, void *scratch)
{
    int32_t *pixels = scratch;
    int8_t *taps = (int8_t *)(pixels + TILE_PIXELS * (params->taps + 1));
    const int32_t count = params->output.h * params->output.w;
    int32_t y = -params->padding.h, column = 0, in_tile = 0;

    memset(pixels, 0, (size_t)(4 * TILE_PIXELS * (params->taps + 1)));
    for (int32_t done = 0; done < count; done++) {
        const int32_t x = column * params->stride.w - params->padding.w;
        int32_t *slot = pixels + TILE_PIXELS + in_tile;
        if (is_plain(params, y, x)) {
            const int8_t *corner = input + (y * params->input.w + x) * params->input.c;
            pixels[in_tile] = -128 * spread_rows(params, corner, slot);
        } else {
            collect_taps(params, input, y, x, taps);
            pixels[in_tile] = -128 * spread(slot, taps, params->taps);
        }
        if (++column == params->output.w) {
            column = 0;
            y += params->stride.h;
        }
        if (++in_tile == TILE_PIXELS) {
            run_tile(params, pixels, output);
            output += TILE_PIXELS * params->pixel_step;
            in_tile = 0;
        }
    }
    if (in_tile > 0) {
        run_last_tile(params, pixels, output, in_tile);
    }
}

/* Five neighbours of each plane. */
static void collect_planes(const qe_conv_m0_params *params, const int8_t *input, int32_t *pixels)
{
    const int32_t plane = params->input.h * params->input.w;
    int32_t sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0, sum4 = 0;
    int32_t *slot = pixels + TILE_PIXELS;
    for (int32_t left = params->input.c; left > 0; left--, input += plane) {
        const int32_t x0 = input[0], x1 = input[1], x2 = input[2], x3 = input[3], x4 = input[4];
        slot[0] = x0;
        slot[1] = x1;
        slot[2] = x2;
        slot[3] = x3;
        slot[4] = x4;
        sum0 += x0;
        sum1 += x1;
        sum2 += x2;
        sum3 += x3;
        sum4 += x4;
        slot += TILE_PIXELS;
    }
    pixels[0] = -128 * sum0;
    pixels[1] = -128 * sum1;
    pixels[2] = -128 * sum2;
    pixels[3] = -128 * sum3;
    pixels[4] = -128 * sum4;
}

/* The same where fewer than five exist. */
static void collect_planes_end(const qe_conv_m0_params *params, const int8_t *input, int32_t count,
                               int32_t *pixels)
{
    const int32_t plane = params->input.h * params->input.w;
    memset(pixels, 0, (size_t)(4 * TILE_PIXELS * (params->taps + 1)));
    for (int32_t pixel = 0; pixel < count; pixel++) {
        int32_t sum = 0;
        for (int32_t channel = 0; channel < params->input.c; channel++) {
            const int32_t x = input[channel * plane + pixel];
            pixels[TILE_PIXELS * (channel + 1) + pixel] = x;
            sum += x;
        }
        pixels[pixel] = -128 * sum;
    }
}

void qe_conv_1x1_planar_m0(const qe_conv_m0_params *params, const int8_t *input, int8_t *output,
                           void *scratch)
{
    int32_t *pixels = scratch;
    int32_t left = params->input.h * params->input.w;
    for (; left >= TILE_PIXELS; left -= TILE_PIXELS) {
        collect_planes(params, input, pixels);
        run_tile(params, pixels, output);
        input += TILE_PIXELS;
        output += TILE_PIXELS * params->pixel_step;
    }
    if (left > 0) {
        collect_planes_end(params, input, left, pixels);
        run_last_tile(params, pixels, output, left);
    }
}

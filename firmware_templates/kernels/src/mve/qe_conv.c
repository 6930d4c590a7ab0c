/* CONV_2D for Helium: two pixels and two output channels at a time, 16 taps an instruction.
 * docs/kernels-cortex-m55.md explains it. */
#include "qe_conv_mve.h"

#if QE_HAS_MVE

/* Sums of two pixels times two channels. */
typedef struct {
    int32_t a0, a1, b0, b1;
} qe_sums;

/* Where the taps of two pixels lie: rows of whole vectors. */
typedef struct {
    const int8_t *a, *b;
    int32_t rows;
    int32_t skip;  /* bytes between rows */
    int32_t turns; /* of a row: four vectors each */
    int32_t rest;  /* vectors before them */
} qe_pair;

#define STEP                                                                                       \
    "    vldrw.32 %q[xa], [%[a]], #16\n"                                                           \
    "    vldrw.32 %q[w0], [%[w]], #16\n"                                                           \
    "    vmladava.s8 %[a0], %q[xa], %q[w0]\n"                                                      \
    "    vldrw.32 %q[w1], [%[w]], #16\n"                                                           \
    "    vmladava.s8 %[a1], %q[xa], %q[w1]\n"                                                      \
    "    vldrw.32 %q[xb], [%[b]], #16\n"                                                           \
    "    vmladava.s8 %[b0], %q[xb], %q[w0]\n"                                                      \
    "    vmladava.s8 %[b1], %q[xb], %q[w1]\n"

/* Eight instructions for 64 MACs. One asm statement: with intrinsics gcc 12 hoists loads and spills
 * the eight vector registers. */
static inline qe_sums add_products(const qe_pair *pair, const int8_t **weights)
{
    qe_sums sums = {0, 0, 0, 0};
    const int8_t *a = pair->a, *b = pair->b, *w = *weights;
    int32_t rows = pair->rows;
    int8x16_t xa, xb, w0, w1;
    __asm__ volatile(
        "1:  wls lr, %[rest], 3f\n"
        "2:\n" STEP "    le lr, 2b\n"
        "3:  wls lr, %[turns], 5f\n"
        "4:\n" STEP STEP STEP STEP "    le lr, 4b\n"
        "5:  subs %[rows], #1\n"
        "    ittt ne\n"
        "    addne %[a], %[a], %[skip]\n"
        "    addne %[b], %[b], %[skip]\n"
        "    bne 1b\n"
        : [a0] "+Te"(sums.a0), [a1] "+Te"(sums.a1), [b0] "+Te"(sums.b0), [b1] "+Te"(sums.b1),
          [a] "+r"(a), [b] "+r"(b), [w] "+r"(w), [rows] "+r"(rows), [xa] "=&w"(xa), [xb] "=&w"(xb),
          [w0] "=&w"(w0), [w1] "=&w"(w1)
        : [rest] "r"(pair->rest), [turns] "r"(pair->turns), [skip] "r"(pair->skip)
        : "lr", "cc", "memory");
    *weights = w;
    return sums;
}

/* Two pixels through all output channels; the second may be the first once more. */
static void run_pair(const qe_conv_mve_params *params, const qe_pair *pair, int8_t *to_a,
                     int8_t *to_b)
{
    const qe_mve_output quantization = params->quantization;
    const int8_t *record = (const int8_t *)params->records;
    for (int32_t left = params->output.c; left > 0; left -= 4) {
        const qe_sums even = add_products(pair, &record);
        const qe_sums odd = add_products(pair, &record);
        const int32_t *tail = (const int32_t *)(const void *)record;
        const int32x4_t bias = vldrwq_s32(tail);
        const int32x4_t multiplier = vldrwq_s32(tail + 4);
        const int32x4_t shift = vldrwq_s32(tail + 8);
        int32x4_t a = vaddq_s32(qe_mve_pack(even.a0, odd.a0, even.a1, odd.a1), bias);
        int32x4_t b = vaddq_s32(qe_mve_pack(even.b0, odd.b0, even.b1, odd.b1), bias);
        a = qe_mve_clamp(qe_mve_scale(a, multiplier, shift, &quantization), &quantization);
        b = qe_mve_clamp(qe_mve_scale(b, multiplier, shift, &quantization), &quantization);
        qe_mve_store(to_b, b, left);
        qe_mve_store(to_a, a, left);
        record += 48;
        to_a += 4;
        to_b += 4;
    }
}

static int32_t clamp_to(int32_t value, int32_t maximum)
{
    return value < 0 ? 0 : (value > maximum ? maximum : value);
}

/* A row of taps: the columns that exist, to where they belong. x: column of the first tap. */
static void collect_row(const qe_conv_mve_params *params, const int8_t *row, int32_t x,
                        int8_t *taps)
{
    const int32_t c = params->input.c, width = params->input.w;
    if (params->dilation.w == 1) {
        const int32_t before = clamp_to(-x, params->kernel.w);
        const int32_t until = clamp_to(width - x, params->kernel.w);
        if (before < until) {
            qe_mve_copy(taps + before * c, row + (x + before) * c, (until - before) * c);
        }
        return;
    }
    for (int32_t left = params->kernel.w; left > 0; left--, x += params->dilation.w, taps += c) {
        if (x >= 0 && x < width) {
            qe_mve_copy(taps, row + x * c, c);
        }
    }
}

/* All taps of one output pixel, contiguous. y, x: position of the kernel's corner. */
static void collect_taps(const qe_conv_mve_params *params, const int8_t *input, int32_t y,
                         int32_t x, int8_t *taps)
{
    const int32_t row = params->input.w * params->input.c;
    const int32_t run = params->kernel.w * params->input.c;
    const int8x16_t padding = vdupq_n_s8((int8_t)params->input_zero_point);
    for (int32_t vector = 0; vector < params->vectors; vector++) {
        vstrbq_s8(taps + 16 * vector, padding);
    }
    for (int32_t left = params->kernel.h; left > 0; left--, y += params->dilation.h) {
        if (y >= 0 && y < params->input.h) {
            collect_row(params, input + y * row, x, taps);
        }
        taps += run;
    }
}

/* Whether the window at y, x lies inside the input and each of its rows is one run of bytes. */
static int is_plain(const qe_conv_mve_params *params, int32_t y, int32_t x)
{
    const int32_t last_y = y + (params->kernel.h - 1) * params->dilation.h;
    const int32_t last_x = x + params->kernel.w - 1;
    return y >= 0 && x >= 0 && last_y < params->input.h && last_x < params->input.w &&
           params->dilation.w == 1;
}

/* The taps of an output pixel, copied one behind the other. */
static void copy_taps(const qe_conv_mve_params *params, const int8_t *input, int32_t y, int32_t x,
                      int8_t *taps)
{
    if (!is_plain(params, y, x)) {
        collect_taps(params, input, y, x, taps);
        return;
    }
    const int32_t run = params->kernel.w * params->input.c;
    const int32_t row = params->input.w * params->input.c;
    const int8_t *from = input + y * row + x * params->input.c;
    for (int32_t left = params->kernel.h; left > 0; left--) {
        qe_mve_copy(taps, from, run);
        taps += run;
        from += params->dilation.h * row;
    }
}

/* Rows of `vectors` vectors. */
static void set_rows(qe_pair *pair, int32_t rows, int32_t vectors, int32_t skip)
{
    pair->rows = rows;
    pair->skip = skip;
    pair->turns = vectors / 4;
    pair->rest = vectors % 4;
}

/* One output pixel, from the position of the kernel's corner. */
typedef struct {
    int32_t y, x;
} qe_corner;

/* Take the taps where they lie if both pixels allow it. */
static void find_taps(const qe_conv_mve_params *params, const int8_t *input,
                      const qe_corner corner[2], int8_t *scratch, qe_pair *pair)
{
    const int32_t c = params->input.c, row = params->input.w * c;
    if (params->row_vectors > 0 && is_plain(params, corner[0].y, corner[0].x) &&
        is_plain(params, corner[1].y, corner[1].x)) {
        pair->a = input + corner[0].y * row + corner[0].x * c;
        pair->b = input + corner[1].y * row + corner[1].x * c;
        set_rows(pair, params->kernel.h, params->row_vectors,
                 params->dilation.h * row - 16 * params->row_vectors);
    } else {
        int8_t *second = scratch + 16 * params->vectors;
        copy_taps(params, input, corner[0].y, corner[0].x, scratch);
        copy_taps(params, input, corner[1].y, corner[1].x, second);
        pair->a = scratch;
        pair->b = second;
        set_rows(pair, 1, params->vectors, 0);
    }
}

void qe_conv_mve(const qe_conv_mve_params *params, const int8_t *input, int8_t *output,
                 void *scratch)
{
    const int32_t count = params->output.h * params->output.w;
    const int32_t width = params->output.w;
    qe_pair pair;
    int32_t y = -params->padding.h, column = 0;
    memset(scratch, 0, (size_t)(32 * params->vectors));
    for (int32_t done = 0; done < count; done += 2) {
        const int is_last = done + 1 == count;
        qe_corner corner[2];
        for (int32_t i = 0; i < 2; i++) {
            corner[i].y = y;
            corner[i].x = column * params->stride.w - params->padding.w;
            if (!is_last && ++column == width) {
                column = 0;
                y += params->stride.h;
            }
        }
        find_taps(params, input, corner, scratch, &pair);
        run_pair(params, &pair, output, is_last ? output : output + params->output.c);
        output += 2 * params->output.c;
    }
}

#endif

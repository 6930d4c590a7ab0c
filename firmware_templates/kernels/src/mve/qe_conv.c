/* CONV_2D for Helium: the taps of three pixels are collected, then multiplied with two output
 * channels at a time, 16 taps an instruction. docs/kernels-cortex-m55.md explains it. */
#include "qe_conv_mve.h"

#if QE_HAS_MVE

#define PIXELS 3
#define TAPS 16
#define TILE_ROW (PIXELS * TAPS)

/* clang-format off */

/* 16 taps of three pixels times two channels: eleven instructions for 96 MACs. */
#define STEP(mla) \
    "    vldrw.32 %q[w0], [%[record]], #16\n" \
    "    vldrw.32 %q[x0], [%[x]], #16\n" \
    "    " mla ".s8 %[a0], %q[x0], %q[w0]\n" \
    "    vldrw.32 %q[w1], [%[record]], #16\n" \
    "    " mla ".s8 %[a1], %q[x0], %q[w1]\n" \
    "    vldrw.32 %q[x1], [%[x]], #16\n" \
    "    " mla ".s8 %[b0], %q[x1], %q[w0]\n" \
    "    " mla ".s8 %[b1], %q[x1], %q[w1]\n" \
    "    vldrw.32 %q[x0], [%[x]], #16\n" \
    "    " mla ".s8 %[c0], %q[x0], %q[w0]\n" \
    "    " mla ".s8 %[c1], %q[x0], %q[w1]\n"

/* All taps, `rest` steps after the first, into lanes `first` and `second` of a, b, c. */
#define SUMS(first, second) \
    "    ldr %[x], %[taps]\n" \
    STEP("vmladav") \
    "    ldr lr, %[rest]\n" \
    "    lsrs lr, lr, #1\n" \
    "    bcc 2f\n" \
    STEP("vmladava") \
    "2:  wls lr, lr, 4f\n" \
    "3:\n" \
    STEP("vmladava") \
    STEP("vmladava") \
    "    le lr, 3b\n" \
    "4:  vmov %q[a][" second "], %q[a][" first "], %[a0], %[a1]\n" \
    "    vmov %q[b][" second "], %q[b][" first "], %[b0], %[b1]\n" \
    "    vmov %q[c][" second "], %q[c][" first "], %[c0], %[c1]\n"

/* As qe_mve_ties_away. */
#define TIES_AWAY(y) \
    "    vand %q[x0], %q[" y "], %q[w1]\n" \
    "    vshr.s32 %q[x0], %q[x0], #31\n" \
    "    vadd.i32 %q[" y "], %q[" y "], %q[x0]\n"

/* Four channels of a, b and c: sums to bytes, pixel b's in bits 16 to 23 of a. */
#define SCALE \
    "    vldrw.32 %q[w0], [%[record]], #16\n" \
    "    vadd.i32 %q[a], %q[a], %q[w0]\n" \
    "    vadd.i32 %q[b], %q[b], %q[w0]\n" \
    "    vadd.i32 %q[c], %q[c], %q[w0]\n" \
    "    vldrw.32 %q[w0], [%[record]], #16\n" \
    "    vqrdmulh.s32 %q[a], %q[a], %q[w0]\n" \
    "    vqrdmulh.s32 %q[b], %q[b], %q[w0]\n" \
    "    vqrdmulh.s32 %q[c], %q[c], %q[w0]\n" \
    "    ldr %[a0], %[signed_ties]\n" \
    "    vldrw.32 %q[w1], [%[record]], #16\n" \
    "    cmp %[a0], #0\n" \
    "    beq 5f\n" \
    TIES_AWAY("a") \
    TIES_AWAY("b") \
    TIES_AWAY("c") \
    "5:  ldr %[a1], %[zero_point]\n" \
    "    vrshl.s32 %q[a], %q[a], %q[w1]\n" \
    "    vrshl.s32 %q[b], %q[b], %q[w1]\n" \
    "    vrshl.s32 %q[c], %q[c], %q[w1]\n" \
    "    vqmovnb.s32 %q[a], %q[a]\n" \
    "    vqmovnt.s32 %q[a], %q[b]\n" \
    "    vqmovnb.s32 %q[c], %q[c]\n" \
    "    vqadd.s16 %q[a], %q[a], %[a1]\n" \
    "    vqadd.s16 %q[c], %q[c], %[a1]\n" \
    "    vqmovnb.s16 %q[a], %q[a]\n" \
    "    vqmovnb.s16 %q[c], %q[c]\n"

/* Up to four channels of each pixel. */
#define STORE \
    "    vctp.32 %[channels]\n" \
    "    vpstttt\n" \
    "    vstrbt.32 %q[a], [%[to_a]], #4\n" \
    "    vshrt.u32 %q[a], %q[a], #16\n" \
    "    vstrbt.32 %q[a], [%[to_b]], #4\n" \
    "    vstrbt.32 %q[c], [%[to_c]], #4\n"

/* clang-format on */

/* Taps of up to three pixels, for each vector that of each pixel, and where their outputs go. The
 * last place is taken first. */
typedef struct {
    int8_t *taps, *to[PIXELS];
    int32_t free;
} qe_tile;

/* All output channels of the pixels of a tile, the last place's stored last. One asm statement: it
 * takes all core registers, and gcc 12 would spill the vector registers too. */
__attribute__((noinline)) static void multiply(const qe_conv_mve_params *params,
                                               const qe_tile *tile)
{
    const int32_t zero_point = params->quantization.zero_point;
    const int32_t signed_ties = params->quantization.signed_ties;
    const int32_t rest = params->vectors - 1;
    const int32_t *record = params->records;
    const int8_t *x, *taps = tile->taps;
    int8_t *to_a = tile->to[0], *to_b = tile->to[1], *to_c = tile->to[2];
    int32_t channels = params->output.c, a0, a1, b0, b1, c0, c1;
    int32x4_t a, b, c, x0, x1, w0, w1;
    __asm__ volatile(
        "1:\n" SUMS("0", "2") SUMS("1", "3") SCALE STORE "    subs %[channels], #4\n"
                                                         "    bgt 1b\n"
        : [record] "+r"(record), [channels] "+r"(channels), [to_a] "+l"(to_a), [to_b] "+l"(to_b),
          [to_c] "+l"(to_c), [x] "=&r"(x), [a0] "=&Te"(a0), [a1] "=&Te"(a1), [b0] "=&Te"(b0),
          [b1] "=&Te"(b1), [c0] "=&Te"(c0), [c1] "=&Te"(c1), [a] "=&w"(a), [b] "=&w"(b),
          [c] "=&w"(c), [x0] "=&w"(x0), [x1] "=&w"(x1), [w0] "=&w"(w0), [w1] "=&w"(w1)
        : [rest] "m"(rest), [taps] "m"(taps), [zero_point] "m"(zero_point),
          [signed_ties] "m"(signed_ties)
        : "lr", "p0", "cc", "memory");
}

/* Where the next pixel's first vector of taps belongs. */
static inline int8_t *place(const qe_tile *tile)
{
    return tile->taps + TAPS * (tile->free - 1);
}

static inline void add_pixel(const qe_conv_mve_params *params, qe_tile *tile, int8_t *to)
{
    tile->to[--tile->free] = to;
    if (tile->free == 0) {
        multiply(params, tile);
        tile->free = PIXELS;
    }
}

/* Places that are still free store whatever they hold where the right values follow. */
static void end(const qe_conv_mve_params *params, qe_tile *tile, int8_t *output)
{
    while (tile->free < PIXELS) {
        add_pixel(params, tile, tile->to[tile->free]);
    }
    qe_mve_clamp(output, params->output.h * params->output.w * params->output.c,
                 &params->quantization);
}

/* `rows` runs of `vectors` vectors, `skip` bytes apart, to a pixel's place in a tile. */
static inline void copy_window(int8_t *to, const int8_t *from, int32_t rows, int32_t vectors,
                               int32_t skip)
{
    int8x16_t taps;
    __asm__ volatile("1:  dls lr, %[vectors]\n"
                     "2:  vldrb.8 %q[taps], [%[from]], #16\n"
                     "    vstrb.8 %q[taps], [%[to]], #48\n"
                     "    le lr, 2b\n"
                     "    add %[from], %[from], %[skip]\n"
                     "    subs %[rows], #1\n"
                     "    bne 1b\n"
                     : [from] "+r"(from), [to] "+r"(to), [rows] "+r"(rows), [taps] "=&w"(taps)
                     : [vectors] "r"(vectors), [skip] "r"(skip)
                     : "lr", "cc", "memory");
}

static inline int8_t *fill(int8_t *to, int32_t value, int32_t vectors)
{
    const int8x16_t padding = vdupq_n_s8((int8_t)value);
    for (; vectors > 0; vectors--, to += TILE_ROW) {
        vstrbq_s8(to, padding);
    }
    return to;
}

/* A window that sticks out of the image, or whose columns are no neighbours. */
static void copy_taps(const qe_conv_mve_params *params, const int8_t *input, int32_t y, int32_t x,
                      int8_t *to)
{
    const qe_shape in = params->input;
    const int32_t step = params->dilation.w, width = params->kernel.w, vectors = in.c / TAPS;
    int32_t before = 0, inside = 0;
    while (before < width && x + before * step < 0) {
        before++;
    }
    while (before + inside < width && x + (before + inside) * step < in.w) {
        inside++;
    }
    for (int32_t down = params->kernel.h; down > 0; down--, y += params->dilation.h) {
        const int exists = y >= 0 && y < in.h && inside > 0;
        const int8_t *from = input + (y * in.w + x + before * step) * in.c;
        to = fill(to, params->input_zero_point, (exists ? before : width) * vectors);
        if (exists) {
            copy_window(to, from, inside, vectors, (step - 1) * in.c);
            to += TILE_ROW * vectors * inside;
            to = fill(to, params->input_zero_point, (width - before - inside) * vectors);
        }
    }
}

void qe_conv_mve(const qe_conv_mve_params *params, const int8_t *input, int8_t *output,
                 void *scratch)
{
    const qe_shape in = params->input, out = params->output;
    const qe_size kernel = params->kernel, dilation = params->dilation;
    const int32_t row_bytes = in.w * in.c, run = kernel.w * in.c;
    /* Corners of windows that lie inside: none where their rows are not runs. */
    const int32_t end_y = in.h - (kernel.h - 1) * dilation.h;
    const int32_t end_x = dilation.w == 1 || kernel.w == 1 ? in.w - kernel.w + 1 : 0;
    const int32_t backward = params->backward, step = backward ? -1 : 1;
    qe_tile tile = {.taps = scratch, .free = PIXELS};
    for (int32_t n = 0; n < out.h; n++) {
        const int32_t row = backward ? out.h - 1 - n : n;
        const int32_t y = row * params->stride.h - params->padding.h;
        const int is_row_inside = y >= 0 && y < end_y;
        int32_t column = backward ? out.w - 1 : 0;
        int32_t x = column * params->stride.w - params->padding.w;
        int8_t *to = output + (row * out.w + column) * out.c;
        for (int32_t left = out.w; left > 0; left--) {
            if (is_row_inside && x >= 0 && x < end_x) {
                copy_window(place(&tile), input + y * row_bytes + x * in.c, kernel.h, run / TAPS,
                            dilation.h * row_bytes - run);
            } else {
                copy_taps(params, input, y, x, place(&tile));
            }
            add_pixel(params, &tile, to);
            x += step * params->stride.w;
            to += step * out.c;
        }
    }
    end(params, &tile, output);
}

void qe_conv_1x1_mve(const qe_conv_mve_params *params, const int8_t *input, int8_t *output,
                     void *scratch)
{
    const int32_t count = params->output.h * params->output.w, last = count - 1;
    const int32_t inputs = params->input.c, outputs = params->output.c;
    const int32_t step = params->backward ? -1 : 1;
    const int8_t *from = input + (params->backward ? last * inputs : 0);
    int8_t *to = output + (params->backward ? last * outputs : 0);
    qe_tile tile = {.taps = scratch, .free = PIXELS};
    for (int32_t left = count; left > 0; left--) {
        const int8_t *x = from;
        int8_t *at = place(&tile);
        int8x16_t taps;
        __asm__ volatile("    dlstp.8 lr, %[inputs]\n"
                         "1:  vldrb.8 %q[taps], [%[x]], #16\n"
                         "    vstrb.8 %q[taps], [%[at]], #48\n"
                         "    letp lr, 1b\n"
                         : [x] "+r"(x), [at] "+r"(at), [taps] "=&w"(taps)
                         : [inputs] "r"(inputs)
                         : "lr", "memory");
        add_pixel(params, &tile, to);
        from += step * inputs;
        to += step * outputs;
    }
    end(params, &tile, output);
}

/* The padded rows that the output row `row` sees. */
static void load_lines(const qe_conv_mve_params *params, const int8_t *input, int32_t row,
                       int8_t *lines)
{
    const int32_t bytes = params->input.w * params->input.c;
    int32_t y = row * params->stride.h - params->padding.h;
    lines += params->padding.w * params->input.c;
    for (int32_t left = params->kernel.h; left > 0; left--, y += params->dilation.h) {
        if (y >= 0 && y < params->input.h) {
            qe_mve_copy(lines, input + y * bytes, bytes);
        } else {
            memset(lines, params->input_zero_point, (size_t)bytes);
        }
        lines += params->line_bytes;
    }
}

/* Taps from all over a window to a pixel's place in a tile: six instructions for 16. */
static inline void gather(int8_t *to, const int8_t *window, const int32_t *bases,
                          const uint8_t *offsets, int32_t vectors)
{
    int8x16_t taps, reach;
    int32_t from;
    __asm__ volatile("    dls lr, %[vectors]\n"
                     "1:  ldr %[from], [%[bases]], #4\n"
                     "    vldrb.8 %q[reach], [%[offsets]], #16\n"
                     "    add %[from], %[from], %[window]\n"
                     "    vldrb.u8 %q[taps], [%[from], %q[reach]]\n"
                     "    vstrb.8 %q[taps], [%[to]], #48\n"
                     "    le lr, 1b\n"
                     : [to] "+r"(to), [bases] "+r"(bases), [offsets] "+r"(offsets),
                       [from] "=&r"(from), [taps] "=&w"(taps), [reach] "=&w"(reach)
                     : [window] "r"(window), [vectors] "r"(vectors)
                     : "lr", "memory");
}

void qe_conv_gather_mve(const qe_conv_mve_params *params, const int8_t *input, int8_t *output,
                        void *scratch)
{
    const qe_shape in = params->input, out = params->output;
    const int32_t backward = params->backward, step = backward ? -1 : 1;
    qe_tile tile = {.taps = scratch, .free = PIXELS};
    int8_t *lines = tile.taps + TILE_ROW * params->vectors;
    memset(lines, params->input_zero_point, (size_t)(params->kernel.h * params->line_bytes));
    for (int32_t n = 0; n < out.h; n++) {
        const int32_t row = backward ? out.h - 1 - n : n;
        const int32_t column = backward ? out.w - 1 : 0;
        const int8_t *window = lines;
        int8_t *to = output + (row * out.w + column) * out.c;
        if (params->line_bytes > 0) {
            load_lines(params, input, row, lines);
        } else {
            window = input + row * params->stride.h * in.w * in.c;
        }
        window += column * params->stride.w * in.c;
        for (int32_t left = out.w; left > 0; left--) {
            gather(place(&tile), window, params->bases, params->offsets, params->vectors);
            add_pixel(params, &tile, to);
            window += step * params->stride.w * in.c;
            to += step * out.c;
        }
    }
    end(params, &tile, output);
}

#endif

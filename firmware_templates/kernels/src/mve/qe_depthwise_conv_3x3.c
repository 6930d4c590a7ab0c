/* DEPTHWISE_CONV_2D 3x3 for Helium: a vector holds four rows of four columns of a channel, so that
 * one instruction makes an output. docs/kernels-cortex-m55.md explains it. */
#include "qe_depthwise_conv_mve.h"

#if QE_HAS_MVE

#define CHANNELS 16
#define COLUMN (4 * CHANNELS) /* bytes of a strip: four rows of each channel */
#define RECORD 5              /* words of a channel */

/* What a strip becomes. */
typedef struct {
    const int32_t *record, *end; /* of its channels */
    uint32x4_t at;               /* its first four columns, less 128 */
    uint32x4_t offsets;          /* of the outputs of a tile */
    int8_t *to;
    int32_t columns; /* of the output */
    int32_t lanes;   /* outputs of a tile that exist; stride 1 */
    int32_t step;    /* of `to` from tile to tile */
    int32_t zero_point, signed_ties;
} qe_strip;

/* clang-format off */

/* The next channel: column by column its three weights in the top row and left column of w00; its
 * bias, multiplier and shift. */
#define LOAD_CHANNEL \
    "    ldrsb %[shift], [%[record], #3]\n" \
    "    ldrd %[bias], %[multiplier], [%[record], #12]\n" \
    "    vldrw.32 %q[w00], [%[record]], #20\n" \
    "    movs %[a], #0\n" \
    "    vbic.i32 %q[w00], #0xff000000\n" \
    "    vmov.32 %q[w00][3], %[a]\n"

/* Back to the strip's first tile, one channel further; until the last one. */
#define NEXT_CHANNEL \
    "    ldr %[a], %[back_to]\n" \
    "    ldr %[b], %[back_at]\n" \
    "    ldr %[c], %[end]\n" \
    "    add %[to], %[to], %[a]\n" \
    "    vadd.i32 %q[at], %q[at], %[b]\n" \
    "    cmp %[record], %[c]\n" \
    "    bne 1b\n"

/* Sums a, b, c, d to outputs: those of them that p0 says are stored. */
#define FINISH(ties) \
    "    vmov %q[p][2], %q[p][0], %[a], %[c]\n" \
    "    vmov %q[p][3], %q[p][1], %[b], %[d]\n" \
    "    vadd.i32 %q[p], %q[p], %[bias]\n" \
    "    vqrdmulh.s32 %q[p], %q[p], %[multiplier]\n" \
    ties \
    "    vrshl.s32 %q[p], %[shift]\n" \
    "    vqmovnb.s32 %q[p], %q[p]\n" \
    "    vqadd.s16 %q[p], %q[p], %[zero_point]\n" \
    "    vqmovnb.s16 %q[p], %q[p]\n" \
    "    vpst\n" \
    "    vstrbt.32 %q[p], [%[to], %q[offsets]]\n" \
    "    add %[to], %[to], %[step]\n"

/* As qe_mve_ties_away: is_shifted is 1, or 0 if the channel is not shifted. */
#define TIES_AWAY \
    "    vshr.s32 %q[t], %q[p], #31\n" \
    "    vmla.s32 %q[p], %q[t], %[is_shifted]\n"
#define LOAD_TIES \
    "    cmp %[shift], #0\n" \
    "    cset %[is_shifted], ne\n"

/* Stride 1: two rows of two outputs from four columns. */
#define TILE_2X2(ties) \
    "    vldrw.u32 %q[p], [%q[at], #128]!\n" \
    "    vmladav.s8 %[a], %q[p], %q[w00]\n" \
    "    vmladav.s8 %[b], %q[p], %q[w01]\n" \
    "    vmladav.s8 %[c], %q[p], %q[w10]\n" \
    "    vmladav.s8 %[d], %q[p], %q[w11]\n" \
    FINISH(ties)
#define LOOP_2X2(load_ties, ties) \
    "1:\n" \
    LOAD_CHANNEL \
    load_ties \
    "    vmov %q[w01], %q[w00]\n" \
    "    vshlc %q[w01], %[a], #32\n" \
    "    vshl.i32 %q[w10], %q[w00], #8\n" \
    "    vshl.i32 %q[w11], %q[w01], #8\n" \
    "    ldr lr, %[columns]\n" \
    "    ldr %[a], %[lanes]\n" \
    "    lsrs lr, lr, #1\n" \
    "    vmsr p0, %[a]\n" \
    "    wls lr, lr, 3f\n" \
    "2:\n" \
    TILE_2X2(ties) \
    "    le lr, 2b\n" \
    "3:  bcc 4f\n" /* an odd column: no outputs in lanes 1 and 3 */ \
    "    vmrs %[a], p0\n" \
    "    and %[a], %[a], #0x0f0f0f0f\n" \
    "    vmsr p0, %[a]\n" \
    TILE_2X2(ties) \
    "4:\n" \
    NEXT_CHANNEL

/* Stride 2: four outputs of a row from four times four columns. */
#define LOAD_AND_SUM(sum) \
    "    vldrw.u32 %q[p], [%q[at], #128]!\n" \
    "    vmladav.s8 " sum ", %q[p], %q[w00]\n"
#define TILE_1X4(ties) \
    LOAD_AND_SUM("%[a]") \
    LOAD_AND_SUM("%[b]") \
    LOAD_AND_SUM("%[c]") \
    LOAD_AND_SUM("%[d]") \
    FINISH(ties)
#define LOOP_1X4(load_ties, ties) \
    "1:\n" \
    LOAD_CHANNEL \
    load_ties \
    "    ldr %[a], %[columns]\n" \
    "    lsr lr, %[a], #2\n" \
    "    vctp.32 %[a]\n" \
    "    wls lr, lr, 3f\n" \
    "2:\n" \
    TILE_1X4(ties) \
    "    le lr, 2b\n" \
    "3:  ldr %[a], %[columns]\n" \
    "    ands %[a], %[a], #3\n" \
    "    beq 4f\n" \
    "    vctp.32 %[a]\n" \
    TILE_1X4(ties) \
    "4:\n" \
    NEXT_CHANNEL

/* One asm statement for all channels: gcc 12 would take as many instructions between them as for
 * three tiles. */
#define RUN(loop) \
    __asm__ volatile(loop \
                     : [record] "+r"(record), [to] "+r"(to), [at] "+w"(at), [a] "=&Te"(a), \
                       [b] "=&Te"(b), [c] "=&Te"(c), [d] "=&Te"(d), [bias] "=&r"(bias), \
                       [multiplier] "=&r"(multiplier), [shift] "=&r"(shift), \
                       [is_shifted] "=&r"(is_shifted), [p] "=&w"(p), [t] "=&w"(t), \
                       [w00] "=&w"(w00), [w01] "=&w"(w01), [w10] "=&w"(w10), [w11] "=&w"(w11) \
                     : [zero_point] "r"(strip->zero_point), [step] "r"(strip->step), \
                       [offsets] "w"(offsets), [columns] "m"(columns), [lanes] "m"(lanes), \
                       [end] "m"(end), [back_to] "m"(back_to), [back_at] "m"(back_at) \
                     : "lr", "p0", "cc", "memory")

/* clang-format on */

/* All channels of a strip; `tile` columns of outputs at a time, `bytes` of the strip apart. */
__attribute__((noinline)) static void run_strip(const qe_strip *strip, int32_t tile, int32_t bytes)
{
    const int32_t *record = strip->record, *const end = strip->end;
    const int32_t columns = strip->columns, lanes = strip->lanes;
    const int32_t tiles = (columns + tile - 1) / tile;
    const int32_t back_to = 1 - tiles * strip->step, back_at = 4 - tiles * bytes;
    const uint32x4_t offsets = strip->offsets;
    uint32x4_t at = strip->at;
    int8_t *to = strip->to;
    int32_t a, b, c, d, bias, multiplier, shift, is_shifted;
    int32x4_t p, t, w00, w01, w10, w11;
    if (tile == 2 && strip->signed_ties) {
        RUN(LOOP_2X2(LOAD_TIES, TIES_AWAY));
    } else if (tile == 2) {
        RUN(LOOP_2X2("", ""));
    } else if (strip->signed_ties) {
        RUN(LOOP_1X4(LOAD_TIES, TIES_AWAY));
    } else {
        RUN(LOOP_1X4("", ""));
    }
}

static int32_t between(int32_t minimum, int32_t value, int32_t maximum)
{
    return value < minimum ? minimum : (value > maximum ? maximum : value);
}

/* Four rows to columns of words, 16 channels each. Reads `channels` bytes of each pixel. */
__attribute__((noinline)) static void interleave(const int8_t *const row[4], const int32_t step[4],
                                                 int32_t count, int32_t channels, int8_t *to)
{
    const int8_t *row0 = row[0], *row1 = row[1], *row2 = row[2], *row3 = row[3];
    __asm__ volatile(
        "    ldr lr, %[channels]\n"
        "    vctp.8 lr\n"
        "    ldr lr, %[count]\n"
        "    wls lr, lr, 2f\n"
        "1:  vpstttt\n"
        "    vldrbt.8 q0, [%[row0]]\n"
        "    vldrbt.8 q1, [%[row1]]\n"
        "    vldrbt.8 q2, [%[row2]]\n"
        "    vldrbt.8 q3, [%[row3]]\n"
        "    vst40.8 {q0, q1, q2, q3}, [%[to]]\n"
        "    vst41.8 {q0, q1, q2, q3}, [%[to]]\n"
        "    vst42.8 {q0, q1, q2, q3}, [%[to]]\n"
        "    vst43.8 {q0, q1, q2, q3}, [%[to]]!\n"
        "    add %[row0], %[row0], %[step0]\n"
        "    add %[row1], %[row1], %[step1]\n"
        "    add %[row2], %[row2], %[step2]\n"
        "    add %[row3], %[row3], %[step3]\n"
        "    le lr, 1b\n"
        "2:\n"
        : [row0] "+r"(row0), [row1] "+r"(row1), [row2] "+r"(row2), [row3] "+r"(row3), [to] "+r"(to)
        : [step0] "r"(step[0]), [step1] "r"(step[1]), [step2] "r"(step[2]), [step3] "r"(step[3]),
          [count] "m"(count), [channels] "m"(channels)
        : "lr", "p0", "memory", "q0", "q1", "q2", "q3");
}

static void fill_columns(int8_t *to, int32_t value, int32_t count)
{
    const int8x16_t padding = vdupq_n_s8((int8_t)value);
    for (int32_t left = count * COLUMN; left > 0; left -= 16, to += 16) {
        vstrbq_s8(to, padding);
    }
}

/* `count` columns of the four rows from y, x on, behind the column of padding. */
static void load_strip(const qe_depthwise_conv_mve_params *params, const int8_t *input, int32_t y,
                       int32_t x, int32_t count, int32_t channels, int8_t *scratch)
{
    const qe_shape in = params->input;
    const int32_t before = between(0, -x, count);
    const int32_t until = between(before, in.w - x, count);
    const int8_t *row[4];
    int32_t step[4];
    int8_t *strip = scratch + COLUMN;
    for (int32_t i = 0; i < 4; i++) {
        const int exists = y + i >= 0 && y + i < in.h;
        row[i] = exists ? input + ((y + i) * in.w + x + before) * in.c : scratch;
        step[i] = exists ? in.c : 0;
    }
    fill_columns(strip, params->input_zero_point, before);
    interleave(row, step, until - before, channels, strip + before * COLUMN);
    fill_columns(strip + until * COLUMN, params->input_zero_point, count - until);
}

void qe_depthwise_conv_3x3_mve(const qe_depthwise_conv_mve_params *params, const int8_t *input,
                               int8_t *output, void *scratch)
{
    const qe_shape in = params->input, out = params->output;
    const qe_size stride = params->stride;
    const int is_wide = stride.h == 2;
    const int32_t rows = is_wide ? 1 : 2, bands = (out.h + rows - 1) / rows;
    const uint32x4_t lane = vidupq_n_u32(0, 1);
    const int32_t down = is_wide ? 0 : (out.w - 2) * out.c; /* from lane 1 to lane 2 */
    qe_strip strip = {.step = (is_wide ? 4 : 2) * out.c,
                      .zero_point = params->quantization.zero_point,
                      .signed_ties = params->quantization.signed_ties};
    strip.at = vmlaq_n_u32(vdupq_n_u32((uint32_t)(uintptr_t)scratch + COLUMN - 128), lane, COLUMN);
    strip.offsets =
        vmlaq_n_u32(vmulq_n_u32(lane, (uint32_t)out.c), vshrq_n_u32(lane, 1), (uint32_t)down);
    fill_columns(scratch, params->input_zero_point, 1);
    for (int32_t n = 0; n < bands; n++) {
        const int32_t y = rows * (params->backward ? bands - 1 - n : n);
        strip.lanes = y + 1 < out.h ? 0xffff : 0xff;
        for (int32_t c = 0; c < in.c; c += CHANNELS) {
            const int32_t channels = between(0, in.c - c, CHANNELS);
            strip.record = params->records + RECORD * c;
            strip.end = strip.record + RECORD * channels;
            for (int32_t x = 0; x < out.w; x += params->columns) {
                strip.columns = between(0, out.w - x, params->columns);
                strip.to = output + (y * out.w + x) * out.c + c;
                load_strip(params, input + c, y * stride.h - params->padding.h,
                           x * stride.w - params->padding.w, (strip.columns - 1) * stride.w + 3,
                           channels, scratch);
                run_strip(&strip, is_wide ? 4 : 2, is_wide ? 512 : 128);
            }
        }
    }
    qe_mve_clamp(output, out.h * out.w * out.c, &params->quantization);
}

#endif

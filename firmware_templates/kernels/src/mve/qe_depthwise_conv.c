/* DEPTHWISE_CONV_2D of any kernel for Helium: eight channels of one pixel at a time. A product of
 * two bytes, and the sum of two without weights of -128, fits a halfword.
 * docs/kernels-cortex-m55.md explains it. */
#include "qe_depthwise_conv_mve.h"

#if QE_HAS_MVE

#define CHANNELS 8

/* Eight channels: even ones and odd ones as words. */
typedef struct {
    int32x4_t even, odd;
} qe_sums;

/* Fifteen instructions for 16 MACs; gcc 12 takes 22. */
static inline qe_sums add_taps(const int8_t *const *taps, int32_t channel, int32_t pairs,
                               const int8_t *weights)
{
    qe_sums sums = {vdupq_n_s32(0), vdupq_n_s32(0)};
    const int8_t *at0, *at1;
    int16x8_t x0, x1, w0, w1;
    __asm__ volatile("    dls lr, %[pairs]\n"
                     "1:  ldrd %[at0], %[at1], [%[taps]], #8\n"
                     "    vldrb.s16 %q[w0], [%[weights]], #8\n"
                     "    add %[at0], %[at0], %[channel]\n"
                     "    vldrb.s16 %q[x0], [%[at0]]\n"
                     "    vmul.i16 %q[x0], %q[x0], %q[w0]\n"
                     "    add %[at1], %[at1], %[channel]\n"
                     "    vldrb.s16 %q[x1], [%[at1]]\n"
                     "    vldrb.s16 %q[w1], [%[weights]], #8\n"
                     "    vmul.i16 %q[x1], %q[x1], %q[w1]\n"
                     "    vadd.i16 %q[x0], %q[x0], %q[x1]\n"
                     "    vmovlb.s16 %q[x1], %q[x0]\n"
                     "    vadd.i32 %q[even], %q[even], %q[x1]\n"
                     "    vmovlt.s16 %q[x1], %q[x0]\n"
                     "    vadd.i32 %q[odd], %q[odd], %q[x1]\n"
                     "    le lr, 1b\n"
                     : [even] "+w"(sums.even), [odd] "+w"(sums.odd), [taps] "+r"(taps),
                       [weights] "+l"(weights), [at0] "=&l"(at0), [at1] "=&l"(at1), [x0] "=&w"(x0),
                       [x1] "=&w"(x1), [w0] "=&w"(w0), [w1] "=&w"(w1)
                     : [pairs] "r"(pairs), [channel] "r"(channel)
                     : "lr", "memory");
    return sums;
}

/* The last channels where there are fewer than eight: nothing behind them is read. */
static qe_sums add_taps_end(const int8_t *const *taps, int32_t channel, int32_t pairs,
                            const int8_t *weights, mve_pred16_t lanes)
{
    qe_sums sums = {vdupq_n_s32(0), vdupq_n_s32(0)};
    for (int32_t left = 2 * pairs; left > 0; left--, weights += CHANNELS) {
        const int16x8_t x = vldrbq_z_s16(*taps++ + channel, lanes);
        const int16x8_t product = vmulq_s16(x, vldrbq_s16(weights));
        sums.even = vaddq_s32(sums.even, vmovlbq_s16(product));
        sums.odd = vaddq_s32(sums.odd, vmovltq_s16(product));
    }
    return sums;
}

static inline int32x4_t scale(int32x4_t sum, const int32_t *tail, const qe_mve_output *output)
{
    const int32x4_t shift = vldrwq_s32(tail + 8);
    int32x4_t y = vqrdmulhq_s32(vaddq_s32(sum, vldrwq_s32(tail)), vldrwq_s32(tail + 4));
    if (output->signed_ties != 0) {
        y = qe_mve_ties_away(y, shift);
    }
    return vrshlq_s32(y, shift);
}

/* Eight outputs, each in the lower byte of its lane. */
static inline int16x8_t finish(qe_sums sums, const int32_t *tail, const qe_mve_output *output)
{
    const int32x4_t even = scale(sums.even, tail, output);
    const int32x4_t odd = scale(sums.odd, tail + 12, output);
    return vreinterpretq_s16_s32(qe_mve_to_byte_pairs(even, odd, output->zero_point));
}

/* Where the taps of an output pixel lie, in the order y, x; those in the padding, and the one that
 * makes their number even, at `padding`. */
static void find_taps(const qe_depthwise_conv_mve_params *params, const int8_t *input, int32_t y,
                      int32_t x, const int8_t *padding, const int8_t **taps)
{
    const qe_shape in = params->input;
    for (int32_t down = params->kernel.h; down > 0; down--, y += params->dilation.h) {
        const int row_exists = y >= 0 && y < in.h;
        const int8_t *row = input + y * in.w * in.c;
        int32_t column = x;
        for (int32_t left = params->kernel.w; left > 0; left--, column += params->dilation.w) {
            const int exists = row_exists && column >= 0 && column < in.w;
            *taps++ = exists ? row + column * in.c : padding;
        }
    }
    *taps = padding;
}

static void run_pixel(const qe_depthwise_conv_mve_params *params, const int8_t *const *taps,
                      int32_t pairs, int8_t *output)
{
    const qe_mve_output quantization = params->quantization;
    const int32_t c = params->input.c;
    const int32_t *record = params->records;
    int32_t channel = 0;
    for (; channel + CHANNELS <= c; channel += CHANNELS) {
        const qe_sums sums = add_taps(taps, channel, pairs, (const int8_t *)record);
        vstrbq_s16(output + channel, finish(sums, record + 4 * pairs, &quantization));
        record += 4 * pairs + 24;
    }
    if (channel < c) {
        const mve_pred16_t lanes = vctp16q((uint32_t)(c - channel));
        const qe_sums sums = add_taps_end(taps, channel, pairs, (const int8_t *)record, lanes);
        vstrbq_p_s16(output + channel, finish(sums, record + 4 * pairs, &quantization), lanes);
    }
}

void qe_depthwise_conv_mve(const qe_depthwise_conv_mve_params *params, const int8_t *input,
                           int8_t *output, void *scratch)
{
    const qe_shape out = params->output;
    const int32_t pairs = (params->kernel.h * params->kernel.w + 1) / 2;
    const int8_t **taps = scratch;
    int8_t *padding = (int8_t *)(taps + 2 * pairs + 1);
    memset(padding, params->input_zero_point, (size_t)params->input.c);
    for (int32_t n = 0; n < out.h * out.w; n++) {
        const int32_t pixel = params->backward ? out.h * out.w - 1 - n : n;
        const int32_t y = pixel / out.w, x = pixel - y * out.w;
        find_taps(params, input, y * params->stride.h - params->padding.h,
                  x * params->stride.w - params->padding.w, padding, taps);
        run_pixel(params, taps, pairs, output + pixel * out.c);
    }
    qe_mve_clamp(output, out.h * out.w * out.c, &params->quantization);
}

#endif

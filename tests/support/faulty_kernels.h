/* Convolutions with the mistakes that are made in practice; plain loops of their own. */
#ifndef FAULTY_KERNELS_H
#define FAULTY_KERNELS_H

#include <math.h>
#include <string.h>

#include "qe_conv.h"
#include "qe_depthwise_conv.h"

enum mistake { NONE, CUTS_OFF, FLOATS, WRAPS, ACC16, PADS_ZERO, SHIFTS_PAD, ONE_SHIFT };

static int8_t faulty_finish(const qe_output_stage *stage, int32_t c, int32_t acc,
                            enum mistake mistake)
{
    const int64_t multiplier = stage->multiplier[c];
    const int shift = stage->shift[c];
    int32_t y;

    if (mistake == ACC16) {
        acc = (int16_t)acc;
    }
    if (mistake == CUTS_OFF) {
        y = (int32_t)((acc * multiplier) >> (31 - shift));
    } else if (mistake == FLOATS) {
        y = (int32_t)rint(ldexp((double)acc * (double)multiplier, shift - 31));
    } else if (mistake == ONE_SHIFT) {
        y = (int32_t)(((acc * multiplier + (1 << 30)) >> 31) >> -shift);
    } else {
        y = qe_requantize(acc, stage->multiplier[c], stage->shift[c], stage->rounding);
    }
    y += stage->zero_point;
    if (mistake == WRAPS) {
        return (int8_t)y;
    }
    return (int8_t)(y < stage->activation_min   ? stage->activation_min
                    : y > stage->activation_max ? stage->activation_max
                                                : y);
}

/* What a tap sees, the zero point taken off. */
static int32_t faulty_tap(const qe_geometry *g, const int8_t *x, int32_t row, int32_t column,
                          int32_t c, int32_t zero_point, enum mistake mistake)
{
    if (row < 0 || column < 0 || row >= g->input.h || column >= g->input.w) {
        return mistake == PADS_ZERO ? -zero_point : 0;
    }
    return x[(row * g->input.w + column) * g->input.c + c] - zero_point;
}

static void faulty(const qe_geometry *g, int32_t depth, int32_t zero_point, const int8_t *weights,
                   const qe_output_stage *stage, const int8_t *input, int8_t *y, int depthwise,
                   enum mistake mistake)
{
    static int8_t x[4096]; /* the output may lie over the input */
    const int32_t channels = g->output.c;
    const int32_t more = mistake == SHIFTS_PAD ? 1 : 0;

    memcpy(x, input, (size_t)(g->input.h * g->input.w * g->input.c));
    for (int32_t at = 0; at < g->output.h * g->output.w * channels; at++) {
        const int32_t o = at % channels;
        const int32_t row = at / channels / g->output.w * g->stride.h - g->padding.h + more;
        const int32_t column = at / channels % g->output.w * g->stride.w - g->padding.w + more;
        int32_t acc = stage->bias[o];
        for (int32_t k = 0; k < g->window.h * g->window.w; k++) {
            for (int32_t i = 0; i < depth; i++) {
                const int32_t c = depthwise ? o : i;
                const int32_t w =
                    depthwise ? k * channels + o : (o * g->window.h * g->window.w + k) * depth + i;
                acc += weights[w] * faulty_tap(g, x, row + k / g->window.w,
                                               column + k % g->window.w, c, zero_point, mistake);
            }
        }
        y[at] = faulty_finish(stage, o, acc, mistake);
    }
}

static inline void faulty_conv(const qe_conv_params *p, const void *x, void *y, enum mistake m)
{
    faulty(&p->geometry, p->depth, p->input_zero_point, p->weights, &p->stage, x, y, 0, m);
}

static inline void faulty_depthwise(const qe_depthwise_conv_params *p, const void *x, void *y,
                                    enum mistake m)
{
    faulty(&p->geometry, 1, p->input_zero_point, p->weights, &p->stage, x, y, 1, m);
}

/* The bytes of another sample: what a buffer holds that is one inference late. */
static inline void one_late(void *data, uint32_t bytes)
{
    static uint8_t kept[4096], now[4096];
    memcpy(now, data, bytes);
    memcpy(data, kept, bytes);
    memcpy(kept, now, bytes);
}

static inline void swap_channels(int8_t *y, int pixels, int channels, int a, int b)
{
    for (int i = 0; i < pixels; i++) {
        int8_t kept = y[i * channels + a];
        y[i * channels + a] = y[i * channels + b];
        y[i * channels + b] = kept;
    }
}

static inline void reverse_channels(int8_t *y, int pixels, int channels)
{
    for (int a = 0; a < channels / 2; a++) {
        swap_channels(y, pixels, channels, a, channels - 1 - a);
    }
}

/* From pixel by pixel to plane by plane. */
static inline void to_planes(int8_t *x, int pixels, int channels)
{
    static int8_t kept[4096];
    memcpy(kept, x, (size_t)(pixels * channels));
    for (int i = 0; i < pixels * channels; i++) {
        x[i % channels * pixels + i / channels] = kept[i];
    }
}

static inline void flip_top_bits(uint8_t *x, int count)
{
    for (int i = 0; i < count; i++) {
        x[i] ^= 0x80;
    }
}

#endif /* FAULTY_KERNELS_H */

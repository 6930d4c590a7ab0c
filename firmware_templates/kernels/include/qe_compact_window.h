/**
 * @file qe_compact_window.h
 * @brief The taps of one pixel of a compact convolution, copied.
 */
#ifndef QE_COMPACT_WINDOW_H
#define QE_COMPACT_WINDOW_H

#include <string.h>

#include "qe_conv_compact.h"

/** @brief Copy bytes: by words, with no call of a function that is larger than all of this. */
static inline void qe_compact_copy(int8_t *to, const int8_t *from, int32_t count)
{
    for (; count >= 4; count -= 4, to += 4, from += 4) {
        memcpy(to, from, 4);
    }
    for (; count > 0; --count) {
        *to++ = *from++;
    }
}

/** @brief The window whose corner is at y, x; what lies outside the image is the zero point. */
static inline void qe_compact_window(const qe_conv_compact_params *p, const int8_t *input,
                                     int32_t y, int32_t x, int8_t *taps)
{
    const int32_t c = p->input_c, width = p->input.w, kernel_w = p->kernel.w;
    const int32_t before = (x < 0) ? -x : 0;
    const int32_t until = (x + kernel_w > width) ? width - x : kernel_w;
    const int8_t *end = taps + p->filters.taps;
    for (int8_t *tap = taps; tap != end; ++tap) {
        *tap = p->filters.padding_value;
    }
    for (int32_t left = p->kernel.h; left > 0; --left) {
        if (y >= 0 && y < p->input.h) {
            qe_compact_copy(taps + before * c, input + (y * width + x + before) * c,
                            (until - before) * c);
        }
        y += p->dilation_h;
        taps += kernel_w * c;
    }
}

#endif /* QE_COMPACT_WINDOW_H */

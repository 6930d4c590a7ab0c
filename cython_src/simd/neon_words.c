/* NEON for activations of 16 bits: smull and pairwise sums. */
#include "simd.h"

#if defined(__aarch64__) && defined(__linux__) && !defined(__AARCH64EB__)
#ifdef __clang__
#include <arm_neon.h>
#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)
#else
#pragma GCC target("arch=armv8.2-a+dotprod")
#include <arm_neon.h>
#endif

#include <string.h>

#define NAME(x) neon_words_##x
#define STEP 2
typedef int16_t value, staged;

#include "neon.h"

/* 16 words. */
typedef struct {
    int16x8_t low, high;
} packed;

LOCAL ints dot(ints sum, ints x, ints w)
{
    const int16x8_t a = vreinterpretq_s16_s32(x), b = vreinterpretq_s16_s32(w);
    const ints low = vmull_s16(vget_low_s16(a), vget_low_s16(b)), high = vmull_high_s16(a, b);
    return vaddq_s32(sum, vpaddq_s32(low, high));
}

LOCAL ints dot_memory(ints sum, ints x, const void *w)
{
    return dot(sum, x, load(w));
}

LOCAL void stage_values(staged *to, const value *from, ptrdiff_t count)
{
    for (; count >= 8; count -= 8, to += 8, from += 8) {
        vst1q_s16(to, vld1q_s16(from));
    }
    for (; count > 0; count--, to++, from++) {
        *to = *from;
    }
}

LOCAL void fill_values(staged *to, staged x, ptrdiff_t count)
{
    const int16x8_t all = vdupq_n_s16(x);
    for (; count > 0; count -= 8, to += 8) {
        vst1q_s16(to, all);
    }
}

LOCAL packed pack4(ints a, ints b, ints c, ints d)
{
    const packed both = {vcombine_s16(vqmovn_s32(a), vqmovn_s32(b)),
                         vcombine_s16(vqmovn_s32(c), vqmovn_s32(d))};
    return both;
}

LOCAL packed clamped(packed x, int32_t low, int32_t high)
{
    const int16x8_t least = vdupq_n_s16((int16_t)low), most = vdupq_n_s16((int16_t)high);
    x.low = vminq_s16(vmaxq_s16(x.low, least), most);
    x.high = vminq_s16(vmaxq_s16(x.high, least), most);
    return x;
}

LOCAL packed pixels_in_order(packed x, const int parts)
{
    (void)parts;
    return x;
}

LOCAL void store_packed(value *to, packed x)
{
    vst1q_s16(to, x.low);
    vst1q_s16(to + 8, x.high);
}

LOCAL void store_part(value *to, packed x, const int part, const int parts, int count)
{
    value words[16];
    store_packed(words, x);
    memcpy(to, words + part * 16 / parts, (size_t)count * sizeof(value));
}

LOCAL void store_flat(value *to, const ints *outputs, const qh_depthwise *layer, ptrdiff_t count)
{
    packed q = pack4(outputs[0], outputs[1], outputs[0], outputs[1]);
    if (layer->clamps) {
        q = clamped(q, layer->low, layer->high);
    }
    store_part(to, q, 0, 2, (int)count);
}

/* Two rows of 8 words: the words of the same column become neighbours. */
LOCAL void spread(const staged *x, const int32_t *offsets, ints *tuples)
{
    const int16x8_t t0 = vld1q_s16(x + offsets[0]), t1 = vld1q_s16(x + offsets[1]);
    tuples[0] = vreinterpretq_s32_s16(vzip1q_s16(t0, t1));
    tuples[1] = vreinterpretq_s32_s16(vzip2q_s16(t0, t1));
}

#define ROW_GROUPS 2
LOCAL void spread3(const staged *x, const ptrdiff_t *offsets, ints (*tuples)[STEP])
{
    const int16x8_t t0 = vld1q_s16(x + offsets[0]), t1 = vld1q_s16(x + offsets[1]);
    const int16x8_t t2 = vld1q_s16(x + offsets[2]);
    tuples[0][0] = vreinterpretq_s32_s16(vzip1q_s16(t0, t1));
    tuples[0][1] = vreinterpretq_s32_s16(vzip2q_s16(t0, t1));
    tuples[1][0] = vreinterpretq_s32_s16(vzip1q_s16(t2, t2));
    tuples[1][1] = vreinterpretq_s32_s16(vzip2q_s16(t2, t2));
}

#include "micro.h"

const qh_isa qh_neon_words = {QH_SUM_FIELDS(4)};

#ifdef __clang__
#pragma clang attribute pop
#endif
#else
const qh_isa qh_neon_words = {.lanes = 4, .step = 2, .most_vectors = 4, .staged_bytes = 2};
#endif

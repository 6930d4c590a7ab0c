/* NEON with the dot product instructions: sdot sums four products of signed bytes a lane.
 * On other machines only the layout is here, for tests that pack there and compute in an emulator.
 */
#include "simd.h"

extern const qh_isa qh_neon_words;

#if defined(__aarch64__) && defined(__linux__) && !defined(__AARCH64EB__)
#ifdef __clang__
#include <arm_neon.h>
#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)
#else
#pragma GCC target("arch=armv8.2-a+dotprod")
#include <arm_neon.h>
#endif

#include <asm/hwcap.h>
#include <string.h>
#include <sys/auxv.h>

#define NAME(x) neon_##x
#define STEP 4
typedef int8_t value, staged;
typedef int8x16_t packed;

#include "neon.h"

LOCAL ints dot(ints sum, ints x, ints w)
{
    return vdotq_s32(sum, vreinterpretq_s8_s32(x), vreinterpretq_s8_s32(w));
}

LOCAL ints multiply(ints sum, ints x)
{
    __asm__ volatile("sdot %0.4s, %1.16b, %1.16b" : "+w"(sum) : "w"(x));
    return sum;
}

LOCAL ints dot_memory(ints sum, ints x, const void *w)
{
    return dot(sum, x, load(w));
}

LOCAL void stage_values(staged *to, const int8_t *from, ptrdiff_t count)
{
    for (; count >= 16; count -= 16, to += 16, from += 16) {
        vst1q_s8(to, vld1q_s8(from));
    }
    for (; count > 0; count--, to++, from++) {
        *to = *from;
    }
}

LOCAL void fill_values(staged *to, staged x, ptrdiff_t count)
{
    const int8x16_t all = vdupq_n_s8(x);
    for (; count > 0; count -= 16, to += 16) {
        vst1q_s8(to, all);
    }
}

LOCAL packed pack4(ints a, ints b, ints c, ints d)
{
    const int16x8_t low = vcombine_s16(vqmovn_s32(a), vqmovn_s32(b));
    const int16x8_t high = vcombine_s16(vqmovn_s32(c), vqmovn_s32(d));
    return vcombine_s8(vqmovn_s16(low), vqmovn_s16(high));
}

LOCAL packed clamped(packed x, int32_t low, int32_t high)
{
    return vminq_s8(vmaxq_s8(x, vdupq_n_s8((int8_t)low)), vdupq_n_s8((int8_t)high));
}

/* A vector is one 128-bit lane: pixels lie in order. */
LOCAL packed pixels_in_order(packed x, const int parts)
{
    (void)parts;
    return x;
}

LOCAL void store_packed(int8_t *to, packed x)
{
    vst1q_s8(to, x);
}

LOCAL void store_part(int8_t *to, packed x, const int part, const int parts, int count)
{
    const int size = 16 / parts;
    int8_t bytes[16];
    if (parts == 1 && count == size) {
        vst1q_s8(to, x);
        return;
    }
    vst1q_s8(bytes, x);
    if (count == size) {
        memcpy(to, bytes + part * size, (size_t)size);
    } else {
        memcpy(to, bytes + part * size, (size_t)count);
    }
}

LOCAL void store_flat(int8_t *to, const ints *outputs, const qh_depthwise *layer, ptrdiff_t count)
{
    packed q = pack4(outputs[0], outputs[1], outputs[2], outputs[3]);
    if (layer->clamps) {
        q = clamped(q, layer->low, layer->high);
    }
    store_part(to, q, 0, 1, (int)count);
}

LOCAL ints widened(const int8_t *from)
{
    int32_t four;
    memcpy(&four, from, sizeof four);
    return vmovl_s16(vget_low_s16(vmovl_s8(vreinterpret_s8_s32(vdup_n_s32(four)))));
}

LOCAL ints add_line(const qh_add *layer, ints x1, ints x2)
{
    const float32x4_t inner =
        vfmaq_f32(vdupq_n_f32(layer->offset), vcvtq_f32_s32(x2), vdupq_n_f32(layer->slope2));
    return line(x1, vdupq_n_f32(layer->slope1), inner);
}

/* Four rows of 16 bytes: the bytes of the same column become neighbours. */
LOCAL void interleave(int8x16_t t0, int8x16_t t1, int8x16_t t2, int8x16_t t3, ints *tuples)
{
    const int16x8_t low01 = vreinterpretq_s16_s8(vzip1q_s8(t0, t1));
    const int16x8_t high01 = vreinterpretq_s16_s8(vzip2q_s8(t0, t1));
    const int16x8_t low23 = vreinterpretq_s16_s8(vzip1q_s8(t2, t3));
    const int16x8_t high23 = vreinterpretq_s16_s8(vzip2q_s8(t2, t3));
    tuples[0] = vreinterpretq_s32_s16(vzip1q_s16(low01, low23));
    tuples[1] = vreinterpretq_s32_s16(vzip2q_s16(low01, low23));
    tuples[2] = vreinterpretq_s32_s16(vzip1q_s16(high01, high23));
    tuples[3] = vreinterpretq_s32_s16(vzip2q_s16(high01, high23));
}

LOCAL void spread(const staged *x, const int32_t *offsets, ints *tuples)
{
    interleave(vld1q_s8(x + offsets[0]), vld1q_s8(x + offsets[1]), vld1q_s8(x + offsets[2]),
               vld1q_s8(x + offsets[3]), tuples);
}

#define ROW_GROUPS 1
LOCAL void spread3(const staged *x, const ptrdiff_t *offsets, ints (*tuples)[STEP])
{
    const int8x16_t last = vld1q_s8(x + offsets[2]);
    interleave(vld1q_s8(x + offsets[0]), vld1q_s8(x + offsets[1]), last, last, tuples[0]);
}

#include "micro.h"

#include "bytes.h"

static int supported(void)
{
    return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
}

const qh_isa qh_neon = {
    .name = "neon-dotprod",
    .supported = supported,
    .words = &qh_neon_words,
    QH_SUM_FIELDS(4),
    QH_BYTE_FIELDS,
};

#ifdef __clang__
#pragma clang attribute pop
#endif
#else
static int supported(void)
{
    return 0;
}

const qh_isa qh_neon = {
    .name = "neon-dotprod",
    .supported = supported,
    .lanes = 4,
    .step = 4,
    .most_vectors = 4,
    .staged_bytes = 1,
    .words = &qh_neon_words,
};
#endif

/* AVX2 for activations of 16 bits. */
#include "simd.h"

#if defined(__x86_64__)
#ifdef __clang__
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx2,fma")
#include <immintrin.h>
#endif

#include <string.h>

#define NAME(x) avx2_words_##x
typedef int16_t value;

#include "avx256_madd.h"

/* 32 words. */
typedef struct {
    __m256i low, high;
} packed;

LOCAL void stage_values(staged *to, const value *from, ptrdiff_t count)
{
    for (; count >= 16; count -= 16, to += 16, from += 16) {
        _mm256_storeu_si256((__m256i *)to, row_at(from));
    }
    for (; count > 0; count--, to++, from++) {
        *to = *from;
    }
}

LOCAL packed pack4(ints a, ints b, ints c, ints d)
{
    const packed both = {_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d)};
    return both;
}

LOCAL packed clamped(packed x, int32_t low, int32_t high)
{
    const __m256i least = _mm256_set1_epi16((int16_t)low), most = _mm256_set1_epi16((int16_t)high);
    x.low = _mm256_min_epi16(_mm256_max_epi16(x.low, least), most);
    x.high = _mm256_min_epi16(_mm256_max_epi16(x.high, least), most);
    return x;
}

LOCAL packed pixels_in_order(packed x, const int parts)
{
    if (parts == 4) {
        x.low = _mm256_permute4x64_epi64(x.low, 0xd8);
        x.high = _mm256_permute4x64_epi64(x.high, 0xd8);
    }
    return x;
}

LOCAL void store_packed(value *to, packed x)
{
    _mm256_storeu_si256((__m256i *)to, x.low);
    _mm256_storeu_si256((__m256i *)(to + 16), x.high);
}

LOCAL void store_part(value *to, packed x, const int part, const int parts, int count)
{
    value words[32];
    store_packed(words, x);
    memcpy(to, words + part * 32 / parts, (size_t)count * sizeof(value));
}

LOCAL void store_flat(value *to, const ints *outputs, const qh_depthwise *layer, ptrdiff_t count)
{
    packed q = pack4(outputs[0], outputs[1], outputs[0], outputs[1]);
    if (layer->clamps) {
        q = clamped(q, layer->low, layer->high);
    }
    if (count == 16) {
        _mm256_storeu_si256((__m256i *)to, q.low);
    } else {
        store_part(to, q, 0, 2, (int)count);
    }
}

#include "micro.h"

const qh_isa qh_avx2_words = {QH_SUM_FIELDS(2)};

#ifdef __clang__
#pragma clang attribute pop
#endif
#endif

/* AVX2: vpmaddwd sums two products of 16-bit numbers a lane. (vpmaddubsw, on bytes, saturates.) */
#if defined(__x86_64__)
#ifdef __clang__
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx2,fma")
#include <immintrin.h>
#endif

#include <string.h>

#include "simd.h"

#define NAME(x) avx2_##x
#define STEP 2
#define STAGED_OFFSET 0
typedef int16_t staged;

#include "avx256.h"

LOCAL ints dot(ints sum, ints x, ints w)
{
    return _mm256_add_epi32(sum, _mm256_madd_epi16(x, w));
}

LOCAL ints dot_memory(ints sum, ints x, const void *w)
{
    return dot(sum, x, load(w));
}

LOCAL void stage_values(staged *to, const int8_t *from, ptrdiff_t count)
{
    for (; count >= 16; count -= 16, to += 16, from += 16) {
        const __m128i bytes = _mm_loadu_si128((const __m128i *)from);
        _mm256_storeu_si256((__m256i *)to, _mm256_cvtepi8_epi16(bytes));
    }
    if (count >= 8) {
        const __m128i bytes = _mm_loadl_epi64((const __m128i *)from);
        _mm_storeu_si128((__m128i *)to, _mm_cvtepi8_epi16(bytes));
        count -= 8;
        to += 8;
        from += 8;
    }
    for (; count > 0; count--, to++, from++) {
        *to = *from;
    }
}

LOCAL void fill_values(staged *to, staged value, ptrdiff_t count)
{
    const __m256i all = _mm256_set1_epi16(value);
    for (; count > 0; count -= 16, to += 16) {
        _mm256_storeu_si256((__m256i *)to, all);
    }
}

LOCAL void store_flat(int8_t *to, const ints *outputs, const qh_depthwise *layer, ptrdiff_t count)
{
    const __m256i words = _mm256_packs_epi32(outputs[0], outputs[1]);
    packed q = _mm256_permute4x64_epi64(_mm256_packs_epi16(words, words), 0x08);
    if (layer->clamps) {
        q = clamped(q, layer->low, layer->high);
    }
    store_part(to, q, 0, 2, (int)count);
}

LOCAL __m256i row_at(const staged *x)
{
    return _mm256_loadu_si256((const __m256i *)x);
}

/* Two rows of 16 words: lane by lane, the words of the same column become neighbours. */
LOCAL void spread(const staged *x, const int32_t *offsets, ints *tuples)
{
    const __m256i t0 = row_at(x + offsets[0]), t1 = row_at(x + offsets[1]);
    tuples[0] = _mm256_unpacklo_epi16(t0, t1);
    tuples[1] = _mm256_unpackhi_epi16(t0, t1);
}

#define ROW_GROUPS 2
LOCAL void spread3(const staged *x, const ptrdiff_t *offsets, ints (*tuples)[STEP])
{
    const __m256i t0 = row_at(x + offsets[0]), t1 = row_at(x + offsets[1]);
    const __m256i t2 = row_at(x + offsets[2]);
    tuples[0][0] = _mm256_unpacklo_epi16(t0, t1);
    tuples[0][1] = _mm256_unpackhi_epi16(t0, t1);
    tuples[1][0] = _mm256_unpacklo_epi16(t2, t2);
    tuples[1][1] = _mm256_unpackhi_epi16(t2, t2);
}

#include "micro.h"

static int supported(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

const qh_isa qh_avx2 = {.name = "avx2", .supported = supported, QH_ISA_FIELDS(2)};

#ifdef __clang__
#pragma clang attribute pop
#endif
#endif

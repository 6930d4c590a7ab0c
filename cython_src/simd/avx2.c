/* AVX2: vpmaddwd sums two products of 16-bit numbers a lane. (vpmaddubsw, on bytes, saturates.) */
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

#define NAME(x) avx2_##x
#include "avx256_madd.h"
#include "avx256_pack.h"

LOCAL ints multiply(ints sum, ints x)
{
    ints products;
    __asm__ volatile("vpmaddwd %2, %2, %1\n\tvpaddd %1, %0, %0"
                     : "+x"(sum), "=&x"(products)
                     : "x"(x));
    return sum;
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

LOCAL void store_flat(int8_t *to, const ints *outputs, const qh_depthwise *layer, ptrdiff_t count)
{
    const __m256i words = _mm256_packs_epi32(outputs[0], outputs[1]);
    packed q = _mm256_permute4x64_epi64(_mm256_packs_epi16(words, words), 0x08);
    if (layer->clamps) {
        q = clamped(q, layer->low, layer->high);
    }
    store_part(to, q, 0, 2, (int)count);
}

#include "micro.h"

#include "bytes.h"

extern const qh_isa qh_avx2_words;

static int supported(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

const qh_isa qh_avx2 = {.name = "avx2",
                        .supported = supported,
                        QH_SUM_FIELDS(2),
                        QH_BYTE_FIELDS,
                        .words = &qh_avx2_words};

#ifdef __clang__
#pragma clang attribute pop
#endif
#endif

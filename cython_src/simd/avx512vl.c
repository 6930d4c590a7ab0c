/* AVX-512 VL with VNNI: vpdpbusd on 256-bit vectors, for processors that slow down for longer ones.
 * It differs from AVX-VNNI in the encoding alone. */
#include "simd.h"

#if defined(__x86_64__)
#ifdef __clang__
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx2,fma,avx512f,avx512vl,avx512vnni"))),      \
                             apply_to = function)
#else
#pragma GCC target("avx2,fma,avx512f,avx512vl,avx512vnni,prefer-vector-width=256")
#include <immintrin.h>
#endif

#include <string.h>

#define NAME(x) avx512vl_##x

static inline __attribute__((always_inline)) __m256i dot(__m256i sum, __m256i x, __m256i w)
{
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(x), "v"(w));
    return sum;
}

static inline __attribute__((always_inline)) __m256i multiply(__m256i sum, __m256i x)
{
    __asm__ volatile("vpdpbusd %1, %1, %0" : "+v"(sum) : "v"(x));
    return sum;
}

#include "avx256_bytes.h"

static int supported(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vnni");
}

const qh_isa qh_avx512vl = {.name = "avx512vl-vnni",
                            .supported = supported,
                            QH_SUM_FIELDS(2),
                            QH_BYTE_FIELDS,
                            .words = &qh_avx2_words};

#ifdef __clang__
#pragma clang attribute pop
#endif
#endif

/* AVX-VNNI: vpdpbusd on 256-bit vectors, for processors without AVX-512. */
#include "simd.h"

#if defined(__x86_64__)
#ifdef __clang__
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx2,fma,avxvnni"))), apply_to = function)
#else
#pragma GCC target("avx2,fma,avxvnni")
#include <immintrin.h>
#endif

#include <cpuid.h>
#include <string.h>

#define NAME(x) avxvnni_##x

static inline __attribute__((always_inline)) __m256i dot(__m256i sum, __m256i x, __m256i w)
{
    __asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum) : "x"(x), "x"(w));
    return sum;
}

static inline __attribute__((always_inline)) __m256i multiply(__m256i sum, __m256i x)
{
    __asm__ volatile("%{vex%} vpdpbusd %1, %1, %0" : "+x"(sum) : "x"(x));
    return sum;
}

#include "avx256_bytes.h"

static int supported(void)
{
    unsigned a = 0, b, c, d;
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1);
}

const qh_isa qh_avxvnni = {.name = "avx-vnni",
                           .supported = supported,
                           QH_SUM_FIELDS(2),
                           QH_BYTE_FIELDS,
                           .words = &qh_avx2_words};

#ifdef __clang__
#pragma clang attribute pop
#endif
#endif

/* AVX-512 with VNNI: vpdpbusd sums four products of an unsigned and a signed byte a lane. */
#include "simd.h"

#if defined(__x86_64__)
#ifdef __clang__
#include <immintrin.h>
#pragma clang attribute push(                                                                      \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma"))),             \
    apply_to = function)
#else
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,prefer-vector-width=512")
#include <immintrin.h>
#endif

#include <string.h>

#define NAME(x) avx512_##x
#define LANES 16
#define STEP 4
#define STAGED_OFFSET 128
typedef int8_t value;
typedef uint8_t staged;
typedef __m512i ints;
typedef __m512i packed;

#define LOCAL static inline __attribute__((always_inline))
/* Keeps the compiler from copying accumulators for their later uses, and then spilling the copies.
 */
#define KEEP(x) __asm__ volatile("" : "+v"(x))

LOCAL ints load(const void *from)
{
    return _mm512_load_si512(from);
}

LOCAL void store(void *to, ints x)
{
    _mm512_store_si512(to, x);
}

LOCAL ints broadcast(const staged *from)
{
    int32_t four;
    memcpy(&four, from, sizeof four);
    return _mm512_set1_epi32(four);
}

LOCAL ints dot(ints sum, ints x, ints w)
{
    /* As the intrinsic, but bound to add in place. */
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(x), "v"(w));
    return sum;
}

LOCAL ints multiply(ints sum, ints x)
{
    __asm__ volatile("vpdpbusd %1, %1, %0" : "+v"(sum) : "v"(x));
    return sum;
}

LOCAL ints dot_memory(ints sum, ints x, const void *w)
{
    return _mm512_dpbusd_epi32(sum, x, load(w));
}

LOCAL void stage_values(staged *to, const int8_t *from, ptrdiff_t count)
{
    const __m512i flip = _mm512_set1_epi8((char)0x80); /* x + 128 of a byte */
    for (; count >= 64; count -= 64, to += 64, from += 64) {
        _mm512_storeu_si512(to, _mm512_xor_si512(_mm512_loadu_si512(from), flip));
    }
    if (count == 32 && __builtin_constant_p(count)) {
        const __m256i x = _mm256_loadu_si256((const __m256i *)from);
        _mm256_storeu_si256((__m256i *)to, _mm256_xor_si256(x, _mm512_castsi512_si256(flip)));
    } else if (count == 16 && __builtin_constant_p(count)) {
        const __m128i x = _mm_loadu_si128((const __m128i *)from);
        _mm_storeu_si128((__m128i *)to, _mm_xor_si128(x, _mm512_castsi512_si128(flip)));
    } else if (count > 0) {
        const __m512i rest = _mm512_maskz_loadu_epi8((UINT64_C(1) << count) - 1, from);
        _mm512_storeu_si512(to, _mm512_xor_si512(rest, flip));
    }
}

LOCAL void fill_values(staged *to, staged x, ptrdiff_t count)
{
    const __m512i all = _mm512_set1_epi8((char)x);
    for (; count > 0; count -= 64, to += 64) {
        _mm512_storeu_si512(to, all);
    }
}

LOCAL ints line(ints sum, __m512 slope, __m512 offset)
{
    return _mm512_cvtps_epi32(_mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), slope, offset));
}

LOCAL ints on_line(ints sum, const qh_scaling *by)
{
    return line(sum, _mm512_load_ps(by->slope), _mm512_load_ps(by->offset));
}

LOCAL ints on_lines(ints sum, const qh_scaling *by)
{
    const __mmask16 negative = _mm512_movepi32_mask(sum);
    return line(
        sum,
        _mm512_mask_mov_ps(_mm512_load_ps(by->slope), negative, _mm512_load_ps(by->negative_slope)),
        _mm512_mask_mov_ps(_mm512_load_ps(by->offset), negative,
                           _mm512_load_ps(by->negative_offset)));
}

/* Half of the lanes, as 64-bit numbers. */
LOCAL __m512i exact_half(__m512i x, __m512i multiplier, const qh_scaling *by, int odd, __m512i low,
                         __m512i high)
{
    const __mmask8 negative =
        _mm512_movepi64_mask(odd ? x : _mm512_slli_epi64(x, 32)); /* sign of the int32 */
    __m512i product =
        odd ? _mm512_mul_epi32(_mm512_srli_epi64(x, 32), _mm512_srli_epi64(multiplier, 32))
            : _mm512_mul_epi32(x, multiplier);
    product = _mm512_add_epi64(product, _mm512_load_si512(by->half + 8 * odd));
    product =
        _mm512_mask_sub_epi64(product, negative, product, _mm512_load_si512(by->tie + 8 * odd));
    product = _mm512_srav_epi64(product, _mm512_load_si512(by->right + 8 * odd));
    return _mm512_min_epi64(_mm512_max_epi64(product, low), high);
}

LOCAL ints exactly(ints sum, const qh_scaling *by, int32_t zero_point, int32_t low, int32_t high)
{
    const __m512i least = _mm512_set1_epi64(low - zero_point);
    const __m512i most = _mm512_set1_epi64(high - zero_point);
    const __m512i x = _mm512_sllv_epi32(sum, _mm512_load_si512(by->left));
    const __m512i multiplier = _mm512_load_si512(by->multiplier);
    const __m512i even = exact_half(x, multiplier, by, 0, least, most);
    const __m512i odd = exact_half(x, multiplier, by, 1, least, most);
    const __m512i both = _mm512_mask_mov_epi32(even, 0xAAAA, _mm512_slli_epi64(odd, 32));
    return _mm512_add_epi32(both, _mm512_set1_epi32(zero_point));
}

LOCAL packed pack4(ints a, ints b, ints c, ints d)
{
    return _mm512_packs_epi16(_mm512_packs_epi32(a, b), _mm512_packs_epi32(c, d));
}

LOCAL packed clamped(packed x, int32_t low, int32_t high)
{
    return _mm512_min_epi8(_mm512_max_epi8(x, _mm512_set1_epi8((char)low)),
                           _mm512_set1_epi8((char)high));
}

/* Gathers what belongs to one pixel: its quarters or eighths lie in the four 128-bit lanes. */
LOCAL packed pixels_in_order(packed x, const int parts)
{
    if (parts == 4) {
        return _mm512_permutexvar_epi32(
            _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), x);
    }
    return parts == 2 ? _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), x) : x;
}

LOCAL void store_packed(int8_t *to, packed x)
{
    _mm512_storeu_si512(to, x);
}

LOCAL void store_part(int8_t *to, packed x, const int part, const int parts, int count)
{
    if (parts == 1) {
        if (count == 64) {
            _mm512_storeu_si512(to, x);
        } else {
            _mm512_mask_storeu_epi8(to, (UINT64_C(1) << count) - 1, x);
        }
    } else if (parts == 2) {
        const __m256i half = part ? _mm512_extracti64x4_epi64(x, 1) : _mm512_castsi512_si256(x);
        if (count == 32) {
            _mm256_storeu_si256((__m256i *)to, half);
        } else {
            _mm256_mask_storeu_epi8(to, (UINT32_C(1) << count) - 1, half);
        }
    } else {
        const __m128i quarter = part == 0   ? _mm512_castsi512_si128(x)
                                : part == 1 ? _mm512_extracti32x4_epi32(x, 1)
                                : part == 2 ? _mm512_extracti32x4_epi32(x, 2)
                                            : _mm512_extracti32x4_epi32(x, 3);
        _mm_mask_storeu_epi8(to, (__mmask16)((UINT32_C(1) << count) - 1), quarter);
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

/* Four rows of 64 bytes: lane by lane, the bytes of the same column become neighbours. */
LOCAL void interleave(__m512i t0, __m512i t1, __m512i t2, __m512i t3, ints *tuples)
{
    const __m512i low01 = _mm512_unpacklo_epi8(t0, t1), high01 = _mm512_unpackhi_epi8(t0, t1);
    const __m512i low23 = _mm512_unpacklo_epi8(t2, t3), high23 = _mm512_unpackhi_epi8(t2, t3);
    tuples[0] = _mm512_unpacklo_epi16(low01, low23);
    tuples[1] = _mm512_unpackhi_epi16(low01, low23);
    tuples[2] = _mm512_unpacklo_epi16(high01, high23);
    tuples[3] = _mm512_unpackhi_epi16(high01, high23);
}

LOCAL void spread(const staged *x, const int32_t *offsets, ints *tuples)
{
    interleave(_mm512_loadu_si512(x + offsets[0]), _mm512_loadu_si512(x + offsets[1]),
               _mm512_loadu_si512(x + offsets[2]), _mm512_loadu_si512(x + offsets[3]), tuples);
}

#define ROW_GROUPS 1
LOCAL void spread3(const staged *x, const ptrdiff_t *offsets, ints (*tuples)[STEP])
{
    const __m512i last = _mm512_loadu_si512(x + offsets[2]);
    interleave(_mm512_loadu_si512(x + offsets[0]), _mm512_loadu_si512(x + offsets[1]), last, last,
               tuples[0]);
}

LOCAL ints widened(const int8_t *from)
{
    return _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)from));
}

LOCAL ints add_line(const qh_add *layer, ints x1, ints x2)
{
    const __m512 inner = _mm512_fmadd_ps(_mm512_cvtepi32_ps(x2), _mm512_set1_ps(layer->slope2),
                                         _mm512_set1_ps(layer->offset));
    return line(x1, _mm512_set1_ps(layer->slope1), inner);
}

/* clang-format off */
#define TILE_SIZES(X) \
    X(1, 4) X(2, 4) X(3, 4) X(4, 4) X(5, 4) X(6, 4) \
    X(1, 2) X(2, 2) X(4, 2) X(8, 2) X(12, 2) \
    X(1, 1) X(4, 1) X(8, 1) X(16, 1)
/* clang-format on */

#include "micro.h"

#include "bytes.h"

extern const qh_isa qh_avx2_words;

static int supported(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vnni");
}

const qh_isa qh_avx512 = {.name = "avx512-vnni",
                          .supported = supported,
                          QH_SUM_FIELDS(4),
                          QH_BYTE_FIELDS,
                          .words = &qh_avx2_words};

#ifdef __clang__
#pragma clang attribute pop
#endif
#endif

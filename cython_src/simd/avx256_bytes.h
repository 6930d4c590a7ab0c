/* vpdpbusd on 256-bit vectors: included twice, for its two encodings. */
#define STEP 4
#define STAGED_OFFSET 128
typedef uint8_t staged;

#include "avx256.h"
#include "avx256_pack.h"

LOCAL ints dot_memory(ints sum, ints x, const void *w)
{
    return dot(sum, x, load(w));
}

LOCAL void stage_values(staged *to, const int8_t *from, ptrdiff_t count)
{
    const __m256i flip = _mm256_set1_epi8((char)0x80); /* x + 128 of a byte */
    for (; count >= 32; count -= 32, to += 32, from += 32) {
        const __m256i x = _mm256_loadu_si256((const __m256i *)from);
        _mm256_storeu_si256((__m256i *)to, _mm256_xor_si256(x, flip));
    }
    if (count >= 16) {
        const __m128i x = _mm_loadu_si128((const __m128i *)from);
        _mm_storeu_si128((__m128i *)to, _mm_xor_si128(x, _mm256_castsi256_si128(flip)));
        count -= 16;
        to += 16;
        from += 16;
    }
    for (; count > 0; count--, to++, from++) {
        *to = (staged)(*from + STAGED_OFFSET);
    }
}

LOCAL void fill_values(staged *to, staged x, ptrdiff_t count)
{
    const __m256i all = _mm256_set1_epi8((char)x);
    for (; count > 0; count -= 32, to += 32) {
        _mm256_storeu_si256((__m256i *)to, all);
    }
}

LOCAL void store_flat(int8_t *to, const ints *outputs, const qh_depthwise *layer, ptrdiff_t count)
{
    packed q = pack4(outputs[0], outputs[1], outputs[2], outputs[3]);
    if (layer->clamps) {
        q = clamped(q, layer->low, layer->high);
    }
    if (count == 32) {
        store_packed(to, q);
    } else {
        store_part(to, q, 0, 1, (int)count);
    }
}

/* Four rows of 32 bytes: lane by lane, the bytes of the same column become neighbours. */
LOCAL void interleave(__m256i t0, __m256i t1, __m256i t2, __m256i t3, ints *tuples)
{
    const __m256i low01 = _mm256_unpacklo_epi8(t0, t1), high01 = _mm256_unpackhi_epi8(t0, t1);
    const __m256i low23 = _mm256_unpacklo_epi8(t2, t3), high23 = _mm256_unpackhi_epi8(t2, t3);
    tuples[0] = _mm256_unpacklo_epi16(low01, low23);
    tuples[1] = _mm256_unpackhi_epi16(low01, low23);
    tuples[2] = _mm256_unpacklo_epi16(high01, high23);
    tuples[3] = _mm256_unpackhi_epi16(high01, high23);
}

LOCAL __m256i row_at(const staged *x)
{
    return _mm256_loadu_si256((const __m256i *)x);
}

LOCAL void spread(const staged *x, const int32_t *offsets, ints *tuples)
{
    interleave(row_at(x + offsets[0]), row_at(x + offsets[1]), row_at(x + offsets[2]),
               row_at(x + offsets[3]), tuples);
}

#define ROW_GROUPS 1
LOCAL void spread3(const staged *x, const ptrdiff_t *offsets, ints (*tuples)[STEP])
{
    const __m256i last = row_at(x + offsets[2]);
    interleave(row_at(x + offsets[0]), row_at(x + offsets[1]), last, last, tuples[0]);
}

#include "micro.h"

#include "bytes.h"

extern const qh_isa qh_avx2_words;

/* vpmaddwd on 256-bit vectors: included twice, for activations of 8 and of 16 bits. */
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

LOCAL void fill_values(staged *to, staged x, ptrdiff_t count)
{
    const __m256i all = _mm256_set1_epi16(x);
    for (; count > 0; count -= 16, to += 16) {
        _mm256_storeu_si256((__m256i *)to, all);
    }
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

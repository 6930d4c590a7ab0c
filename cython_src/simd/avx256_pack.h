/* int8 outputs from 256-bit vectors. */
typedef int8_t value;
typedef __m256i packed;

LOCAL packed pack4(ints a, ints b, ints c, ints d)
{
    return _mm256_packs_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
}

LOCAL packed clamped(packed x, int32_t low, int32_t high)
{
    return _mm256_min_epi8(_mm256_max_epi8(x, _mm256_set1_epi8((char)low)),
                           _mm256_set1_epi8((char)high));
}

/* Gathers what belongs to one pixel: its halves lie in the two 128-bit lanes. */
LOCAL packed pixels_in_order(packed x, const int parts)
{
    if (parts == 4) {
        return _mm256_permutevar8x32_epi32(x, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    }
    return parts == 2 ? _mm256_permute4x64_epi64(x, 0xd8) : x;
}

LOCAL void store_packed(int8_t *to, packed x)
{
    _mm256_storeu_si256((__m256i *)to, x);
}

LOCAL void store_part(int8_t *to, packed x, const int part, const int parts, int count)
{
    const int size = 32 / parts;
    int8_t bytes[32] __attribute__((aligned(32)));
    if (parts == 2 && count == size) {
        _mm_storeu_si128((__m128i *)to,
                         part ? _mm256_extracti128_si256(x, 1) : _mm256_castsi256_si128(x));
        return;
    }
    _mm256_store_si256((__m256i *)bytes, x);
    if (count == size) {
        memcpy(to, bytes + part * size, (size_t)size);
    } else {
        memcpy(to, bytes + part * size, (size_t)count);
    }
}

LOCAL ints widened(const int8_t *from)
{
    return _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)from));
}

LOCAL ints add_line(const qh_add *layer, ints x1, ints x2)
{
    const __m256 inner = _mm256_fmadd_ps(_mm256_cvtepi32_ps(x2), _mm256_set1_ps(layer->slope2),
                                         _mm256_set1_ps(layer->offset));
    return line(x1, _mm256_set1_ps(layer->slope1), inner);
}

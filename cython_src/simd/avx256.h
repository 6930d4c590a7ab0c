/* What the instruction sets with 256-bit vectors share. */
#define LANES 8
typedef __m256i ints;

#define LOCAL static inline __attribute__((always_inline))
#define KEEP(x) __asm__ volatile("" : "+x"(x))

LOCAL ints load(const void *from)
{
    return _mm256_load_si256(from);
}

LOCAL void store(void *to, ints x)
{
    _mm256_store_si256(to, x);
}

LOCAL ints broadcast(const staged *from)
{
    int32_t bits;
    memcpy(&bits, from, sizeof bits);
    return _mm256_set1_epi32(bits);
}

LOCAL ints line(ints sum, __m256 slope, __m256 offset)
{
    return _mm256_cvtps_epi32(_mm256_fmadd_ps(_mm256_cvtepi32_ps(sum), slope, offset));
}

LOCAL ints on_line(ints sum, const qh_scaling *by)
{
    return line(sum, _mm256_load_ps(by->slope), _mm256_load_ps(by->offset));
}

LOCAL ints on_lines(ints sum, const qh_scaling *by)
{
    const __m256 sign = _mm256_castsi256_ps(sum);
    return line(
        sum, _mm256_blendv_ps(_mm256_load_ps(by->slope), _mm256_load_ps(by->negative_slope), sign),
        _mm256_blendv_ps(_mm256_load_ps(by->offset), _mm256_load_ps(by->negative_offset), sign));
}

/* Arithmetic shift of 64-bit numbers, which AVX2 lacks: a logical one of biased numbers. */
LOCAL __m256i shift_right(__m256i x, __m256i by)
{
    const __m256i bias = _mm256_set1_epi64x(INT64_MIN);
    return _mm256_sub_epi64(_mm256_srlv_epi64(_mm256_xor_si256(x, bias), by),
                            _mm256_srlv_epi64(bias, by));
}

/* Half of the lanes, as 64-bit numbers. */
LOCAL __m256i exact_half(__m256i x, __m256i multiplier, const qh_scaling *by, const int odd,
                         __m256i low, __m256i high)
{
    const __m256i zero = _mm256_setzero_si256();
    const __m256i negative = _mm256_cmpgt_epi64(zero, odd ? x : _mm256_slli_epi64(x, 32));
    __m256i product =
        odd ? _mm256_mul_epi32(_mm256_srli_epi64(x, 32), _mm256_srli_epi64(multiplier, 32))
            : _mm256_mul_epi32(x, multiplier);
    product = _mm256_add_epi64(product, load(by->half + QH_MAX_LANES / 2 * odd));
    product = _mm256_sub_epi64(product,
                               _mm256_and_si256(negative, load(by->tie + QH_MAX_LANES / 2 * odd)));
    product = shift_right(product, load(by->right + QH_MAX_LANES / 2 * odd));
    product = _mm256_blendv_epi8(product, low, _mm256_cmpgt_epi64(low, product));
    return _mm256_blendv_epi8(product, high, _mm256_cmpgt_epi64(product, high));
}

LOCAL ints exactly(ints sum, const qh_scaling *by, int32_t zero_point, int32_t low, int32_t high)
{
    const __m256i least = _mm256_set1_epi64x(low - zero_point);
    const __m256i most = _mm256_set1_epi64x(high - zero_point);
    const __m256i x = _mm256_sllv_epi32(sum, load(by->left));
    const __m256i multiplier = load(by->multiplier);
    const __m256i even = exact_half(x, multiplier, by, 0, least, most);
    const __m256i odd = exact_half(x, multiplier, by, 1, least, most);
    const __m256i both = _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xAA);
    return _mm256_add_epi32(both, _mm256_set1_epi32(zero_point));
}

/* 12 accumulators and what feeds them fill the 16 registers. */
#define TILE_SIZES(X) X(1, 2) X(2, 2) X(3, 2) X(4, 2) X(6, 2) X(1, 1) X(4, 1) X(8, 1) X(12, 1)

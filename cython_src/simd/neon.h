/* What both NEON files share: registers and scaling. */
#define LANES 4
#define STAGED_OFFSET 0
typedef int32x4_t ints;

#define LOCAL static inline __attribute__((always_inline))
#define KEEP(x) __asm__ volatile("" : "+w"(x))

LOCAL ints load(const void *from)
{
    return vld1q_s32(from);
}

LOCAL void store(void *to, ints x)
{
    vst1q_s32(to, x);
}

LOCAL ints broadcast(const staged *from)
{
    int32_t four;
    memcpy(&four, from, sizeof four);
    return vdupq_n_s32(four);
}

/* Conversions saturate and round to nearest, ties to even. */
LOCAL ints line(ints sum, float32x4_t slope, float32x4_t offset)
{
    return vcvtnq_s32_f32(vfmaq_f32(offset, vcvtq_f32_s32(sum), slope));
}

LOCAL ints on_line(ints sum, const qh_scaling *by)
{
    return line(sum, vld1q_f32(by->slope), vld1q_f32(by->offset));
}

LOCAL ints on_lines(ints sum, const qh_scaling *by)
{
    const uint32x4_t negative = vcltzq_s32(sum);
    return line(sum, vbslq_f32(negative, vld1q_f32(by->negative_slope), vld1q_f32(by->slope)),
                vbslq_f32(negative, vld1q_f32(by->negative_offset), vld1q_f32(by->offset)));
}

/* Two lanes, as 64-bit numbers. */
LOCAL int64x2_t exact_half(int32x2_t x, int32x2_t multiplier, const qh_scaling *by, const int odd,
                           int64x2_t low, int64x2_t high)
{
    const ptrdiff_t at = QH_MAX_LANES / 2 * odd;
    const int64x2_t negative = vshrq_n_s64(vshll_n_s32(x, 0), 63);
    int64x2_t product = vaddq_s64(vmull_s32(x, multiplier), vld1q_s64(by->half + at));
    product = vsubq_s64(product, vandq_s64(negative, vld1q_s64(by->tie + at)));
    product = vshlq_s64(product, vnegq_s64(vld1q_s64(by->right + at)));
    product = vbslq_s64(vcgtq_s64(low, product), low, product);
    return vbslq_s64(vcgtq_s64(product, high), high, product);
}

LOCAL ints exactly(ints sum, const qh_scaling *by, int32_t zero_point, int32_t low, int32_t high)
{
    const int64x2_t least = vdupq_n_s64(low - zero_point), most = vdupq_n_s64(high - zero_point);
    const ints x = vshlq_s32(sum, vld1q_s32(by->left)), multiplier = vld1q_s32(by->multiplier);
    const int64x2_t even =
        exact_half(vget_low_s32(vuzp1q_s32(x, x)), vget_low_s32(vuzp1q_s32(multiplier, multiplier)),
                   by, 0, least, most);
    const int64x2_t odd =
        exact_half(vget_low_s32(vuzp2q_s32(x, x)), vget_low_s32(vuzp2q_s32(multiplier, multiplier)),
                   by, 1, least, most);
    const ints both = vtrn1q_s32(vreinterpretq_s32_s64(even), vreinterpretq_s32_s64(odd));
    return vaddq_s32(both, vdupq_n_s32(zero_point));
}

/* As many accumulators as leave registers for what feeds them. */
/* clang-format off */
#define TILE_SIZES(X) \
    X(1, 4) X(2, 4) X(3, 4) X(4, 4) X(5, 4) X(6, 4) \
    X(1, 2) X(2, 2) X(4, 2) X(8, 2) X(12, 2) \
    X(1, 1) X(4, 1) X(8, 1) X(16, 1)
/* clang-format on */

// DynamicQuantizeLinear: a warp finds a sample's range, and quantizes it. Every operation is
// rounded by itself.

namespace qe
{

struct DynamicQuantize {
    int items;
};

// Range of a row, with zero in it; what is not a number does not count.
__device__ inline void range_of(const float *x, int size, int lane, float *low, float *high)
{
    *low = *high = 0.0f;
    for (int i = lane; i < size; i += WARP) {
        *low = fminf(*low, x[i]);
        *high = fmaxf(*high, x[i]);
    }
    for (int distance = WARP / 2; distance > 0; distance /= 2) {
        *low = fminf(*low, __shfl_xor_sync(0xffffffffu, *low, distance));
        *high = fmaxf(*high, __shfl_xor_sync(0xffffffffu, *high, distance));
    }
}

__device__ inline float clamped(float x, float low, float high, float if_nan)
{
    return x != x ? if_nan : fminf(fmaxf(x, low), high);
}

__device__ inline void dynamic_quantize(const Step &step, const Work &work)
{
    const DynamicQuantize &p = params<DynamicQuantize>(step);
    each_warp(work, 1, [&](int sample, int, int lane) {
        const float *x = input<float>(step, 0, work, sample);
        int8_t *y = output<int8_t>(step, 0, work, sample);
        float low, high;
        range_of(x, p.items, lane, &low, &high);
        float scale = high != low ? __fdiv_rn(__fsub_rn(high, low), 255.0f) : 1.0f;
        float point = clamped(rintf(__fsub_rn(0.0f, __fdiv_rn(low, scale))), 0.0f, 255.0f, 0.0f);
        for (int i = lane; i < p.items; i += WARP) {
            float steps = clamped(rintf(__fdiv_rn(x[i], scale)), -512.0f, 512.0f, -512.0f);
            float value = fminf(fmaxf(steps + point, 0.0f), 255.0f);
            y[i] = static_cast<int8_t>(static_cast<int>(value) - 128);
        }
        if (lane == 0) {
            *output<float>(step, 1, work, sample) = scale;
            *output<int8_t>(step, 2, work, sample) =
                static_cast<int8_t>(static_cast<int>(point) - 128);
        }
    });
}

} // namespace qe

QE_KERNEL(dynamic_quantize_float32, dynamic_quantize)

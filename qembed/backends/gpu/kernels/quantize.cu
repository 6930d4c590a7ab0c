// QUANTIZE: from real numbers, or from one integer scale to another.

namespace qe
{

struct Quantize {
    int items;
    int input_zero_point, output_zero_point;
    double scale;     // exactly a float
    int ties_to_even; // 0: away from zero
    Requantization by;
    long long low, high; // of the output type
};

__device__ inline int64_t quantized(float x, const Quantize &p)
{
    double steps = __fdiv_rn(x, static_cast<float>(p.scale));
    double magnitude = p.ties_to_even ? rint(fabs(steps)) : floor(__dadd_rn(fabs(steps), 0.5));
    int64_t nearest = static_cast<int64_t>(fmin(magnitude, 2147483648.0));
    return steps < 0 ? -nearest : min(nearest, 0x7fffffffll);
}

template <class T> __device__ inline int64_t quantized(T x, const Quantize &p)
{
    return requantize(static_cast<int64_t>(x) - p.input_zero_point, p.by, 0);
}

template <class From, class To> __device__ inline void quantize(const Step &step, const Work &work)
{
    const Quantize &p = params<Quantize>(step);
    each(work, p.items, [&](int sample, int i) {
        int64_t y = quantized(input<From>(step, 0, work, sample)[i], p) + p.output_zero_point;
        output<To>(step, 0, work, sample)[i] = narrow<To>(y, p.low, p.high);
    });
}

} // namespace qe

// From every type to every type.
#define QE_QUANTIZE(from, name)                                                                    \
    QE_KERNEL(quantize_##name##_int8, quantize<from, int8_t>)                                      \
    QE_KERNEL(quantize_##name##_uint8, quantize<from, uint8_t>)                                    \
    QE_KERNEL(quantize_##name##_int16, quantize<from, int16_t>)                                    \
    QE_KERNEL(quantize_##name##_int32, quantize<from, int>)

QE_QUANTIZE(float, float32)
QE_QUANTIZE(int8_t, int8)
QE_QUANTIZE(uint8_t, uint8)
QE_QUANTIZE(int16_t, int16)
QE_QUANTIZE(int, int32)

// DEQUANTIZE: real = scale * (x - zero_point), rounded twice as written.

namespace qe
{

struct Dequantize {
    int items;
    int zero_point;
    double scale; // exactly a float
};

template <class T> __device__ inline void dequantize(const Step &step, const Work &work)
{
    const Dequantize &p = params<Dequantize>(step);
    each(work, p.items, [&](int sample, int i) {
        int64_t steps = static_cast<int64_t>(input<T>(step, 0, work, sample)[i]) - p.zero_point;
        output<float>(step, 0, work, sample)[i] =
            __fmul_rn(__ll2float_rn(steps), static_cast<float>(p.scale));
    });
}

} // namespace qe

QE_KERNEL(dequantize_int8, dequantize<int8_t>)
QE_KERNEL(dequantize_uint8, dequantize<uint8_t>)
QE_KERNEL(dequantize_int16, dequantize<int16_t>)
QE_KERNEL(dequantize_int32, dequantize<int>)

// MEAN over axes.

namespace qe
{

template <class T> __device__ inline void mean(const Step &step, const Work &work)
{
    const Reduce &p = params<Reduce>(step);
    each(work, p.items, [&](int sample, int i) {
        const T *x = input<T>(step, 0, work, sample) + p.base[i];
        int64_t sum = 0;
        for (int k = 0; k < p.count; k++) {
            sum += x[p.offset[k]] - p.input_zero_point;
        }
        output<T>(step, 0, work, sample)[i] =
            static_cast<T>(finish(requantize(sum, p.by, 0), p.to));
    });
}

} // namespace qe

QE_KERNEL(mean_int8, mean<int8_t>)
QE_KERNEL(mean_int16, mean<int16_t>)

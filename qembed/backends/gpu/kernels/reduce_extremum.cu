// REDUCE_MAX and REDUCE_MIN over axes.

namespace qe
{

template <class T> __device__ inline void reduce_extremum(const Step &step, const Work &work)
{
    const Reduce &p = params<Reduce>(step);
    each(work, p.items, [&](int sample, int i) {
        const T *x = input<T>(step, 0, work, sample) + p.base[i];
        T best = x[p.offset[0]];
        for (int k = 1; k < p.count; k++) {
            T value = x[p.offset[k]];
            best = (value > best) == (p.largest != 0) ? value : best;
        }
        output<T>(step, 0, work, sample)[i] = best;
    });
}

} // namespace qe

QE_KERNEL(reduce_extremum_int8, reduce_extremum<int8_t>)
QE_KERNEL(reduce_extremum_int16, reduce_extremum<int16_t>)

// MAXIMUM and MINIMUM of two inputs.

namespace qe
{

struct Extremum {
    int items;
    const int *index1, *index2;
    int largest;
};

template <class T> __device__ inline void extremum(const Step &step, const Work &work)
{
    const Extremum &p = params<Extremum>(step);
    each(work, p.items, [&](int sample, int i) {
        T x1 = input<T>(step, 0, work, sample)[at(p.index1, i)];
        T x2 = input<T>(step, 1, work, sample)[at(p.index2, i)];
        output<T>(step, 0, work, sample)[i] = (x1 > x2) == (p.largest != 0) ? x1 : x2;
    });
}

} // namespace qe

QE_KERNEL(extremum_int8, extremum<int8_t>)
QE_KERNEL(extremum_int16, extremum<int16_t>)
QE_KERNEL(extremum_int32, extremum<int>)

// MUL.

namespace qe
{

struct Mul {
    int items;
    const int *index1, *index2;
    int zero_point1, zero_point2;
    Requantization by;
    Output to;
};

template <class T> __device__ inline void mul(const Step &step, const Work &work)
{
    const Mul &p = params<Mul>(step);
    each(work, p.items, [&](int sample, int i) {
        int x1 = input<T>(step, 0, work, sample)[at(p.index1, i)] - p.zero_point1;
        int x2 = input<T>(step, 1, work, sample)[at(p.index2, i)] - p.zero_point2;
        output<T>(step, 0, work, sample)[i] =
            static_cast<T>(finish(requantize(x1 * x2, p.by, 0), p.to));
    });
}

} // namespace qe

QE_KERNEL(mul_int8, mul<int8_t>)
QE_KERNEL(mul_int16, mul<int16_t>)

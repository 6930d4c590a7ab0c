// SQUARED_DIFFERENCE.

namespace qe
{

struct SquaredDifference {
    int items;
    const int *index1, *index2;
    int zero_point1, zero_point2;
    int left_shift;
    Requantization by1, by2, by_square;
    Output to;
};

template <class T> __device__ inline void squared_difference(const Step &step, const Work &work)
{
    const SquaredDifference &p = params<SquaredDifference>(step);
    each(work, p.items, [&](int sample, int i) {
        int x1 = input<T>(step, 0, work, sample)[at(p.index1, i)] - p.zero_point1;
        int x2 = input<T>(step, 1, work, sample)[at(p.index2, i)] - p.zero_point2;
        int64_t difference = requantize(shift_left(x1, p.left_shift), p.by1, 0);
        difference -= requantize(shift_left(x2, p.left_shift), p.by2, 0);
        output<T>(step, 0, work, sample)[i] =
            static_cast<T>(finish(requantize(difference * difference, p.by_square, 0), p.to));
    });
}

} // namespace qe

QE_KERNEL(squared_difference_int8, squared_difference<int8_t>)
QE_KERNEL(squared_difference_int16, squared_difference<int16_t>)

// EQUAL, NOT_EQUAL, GREATER, GREATER_EQUAL, LESS, LESS_EQUAL.

namespace qe
{

struct Compare {
    int items;
    const int *index1, *index2;
    int zero_point1, zero_point2;
    int left_shift;
    Requantization by1, by2; // of int8 alone
    int if_less, if_equal, if_greater;
};

__device__ inline int64_t comparable(int8_t x, int zero_point, int left, const Requantization &by)
{
    return requantize(shift_left(x - zero_point, left), by, 0);
}

__device__ inline int64_t comparable(int x, int zero_point, int, const Requantization &)
{
    return static_cast<int64_t>(x) - zero_point;
}

template <class T> __device__ inline void compare(const Step &step, const Work &work)
{
    const Compare &p = params<Compare>(step);
    each(work, p.items, [&](int sample, int i) {
        T x1 = input<T>(step, 0, work, sample)[at(p.index1, i)];
        T x2 = input<T>(step, 1, work, sample)[at(p.index2, i)];
        int64_t one = comparable(x1, p.zero_point1, p.left_shift, p.by1);
        int64_t two = comparable(x2, p.zero_point2, p.left_shift, p.by2);
        int y = one < two ? p.if_less : one > two ? p.if_greater : p.if_equal;
        output<uint8_t>(step, 0, work, sample)[i] = static_cast<uint8_t>(y);
    });
}

} // namespace qe

QE_KERNEL(compare_int8, compare<int8_t>)
QE_KERNEL(compare_int32, compare<int>)

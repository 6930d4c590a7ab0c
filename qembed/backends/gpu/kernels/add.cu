// ADD and SUB.

namespace qe
{

struct Add {
    int items;
    const int *index1, *index2; // null: as the output
    int zero_point1, zero_point2;
    int left_shift;
    int sign; // of the second operand
    Requantization by1, by2, by_sum;
    int exact; // 1: one exact sum, (multiplier1 * x1 + sign * multiplier2 * x2) / 2**shift
    int multiplier1, multiplier2, shift;
    Output to;
};

__device__ inline int sum_of_two(const Add &p, int x1, int x2)
{
    if (p.exact) {
        int64_t sum = static_cast<int64_t>(x1) * p.multiplier1 +
                      p.sign * (static_cast<int64_t>(x2) * p.multiplier2);
        return static_cast<int>((sum + (1ll << (p.shift - 1))) >> p.shift);
    }
    int64_t one = requantize(shift_left(x1, p.left_shift), p.by1, 0);
    int64_t two = requantize(shift_left(x2, p.left_shift), p.by2, 0);
    return requantize(one + p.sign * two, p.by_sum, 0);
}

template <class T> __device__ inline void add(const Step &step, const Work &work)
{
    const Add &p = params<Add>(step);
    each(work, p.items, [&](int sample, int i) {
        int x1 = input<T>(step, 0, work, sample)[at(p.index1, i)] - p.zero_point1;
        int x2 = input<T>(step, 1, work, sample)[at(p.index2, i)] - p.zero_point2;
        output<T>(step, 0, work, sample)[i] = static_cast<T>(finish(sum_of_two(p, x1, x2), p.to));
    });
}

} // namespace qe

QE_KERNEL(add_int8, add<int8_t>)
QE_KERNEL(add_int16, add<int16_t>)

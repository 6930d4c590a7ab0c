// SOFTMAX of int8 rows: a warp for each.

namespace qe
{

struct Softmax {
    int rows;
    int size;
    int multiplier, shift;
    int diff_min;
    int low, high; // of the output type
    int bits;
};

template <class T> __device__ inline void softmax(const Step &step, const Work &work)
{
    const Softmax &p = params<Softmax>(step);
    each_warp(work, p.rows, [&](int sample, int row, int lane) {
        const int8_t *x = input<int8_t>(step, 0, work, sample) + row * p.size;
        T *y = output<T>(step, 0, work, sample) + row * p.size;
        int largest = row_max(x, p.size, lane);
        int sum = sum_of_exps(x, p.size, lane, largest, p.diff_min, p.multiplier, p.shift);
        int headroom = __clz(sum);
        unsigned normal = static_cast<unsigned>(sum) << headroom;
        int reciprocal = reciprocal_of_one_plus(static_cast<int>(normal - 0x80000000u));
        int exponent = min(SUM_INTEGER_BITS - headroom + 31 - p.bits, 31);
        for (int i = lane; i < p.size; i += WARP) {
            int difference = x[i] - largest;
            int value = p.low;
            if (difference >= p.diff_min) {
                int e = exp_of_difference(difference, p.multiplier, p.shift);
                value = divide_by_power(high_multiply(reciprocal, e), exponent) + p.low;
            }
            y[i] = narrow<T>(value, p.low, p.high);
        }
    });
}

} // namespace qe

QE_KERNEL(softmax_int8, softmax<int8_t>)
QE_KERNEL(softmax_to_int16, softmax<int16_t>)

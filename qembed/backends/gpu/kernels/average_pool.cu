// AVERAGE_POOL_2D: mean of the values in the window, ties away from zero.

namespace qe
{

template <class T> __device__ inline void average_pool(const Step &step, const Work &work)
{
    const Pool &p = params<Pool>(step);
    each(work, p.items, [&](int sample, int i) {
        int64_t sum = 0;
        int count =
            each_in_window(p, input<T>(step, 0, work, sample), i, [&](int value) { sum += value; });
        int64_t half = count / 2;
        int64_t y = sum < 0 ? -((half - sum) / count) : (sum + half) / count;
        output<T>(step, 0, work, sample)[i] = narrow<T>(y, p.low, p.high);
    });
}

} // namespace qe

QE_KERNEL(average_pool_int8, average_pool<int8_t>)
QE_KERNEL(average_pool_int16, average_pool<int16_t>)

// MAX_POOL_2D.

namespace qe
{

template <class T> __device__ inline void max_pool(const Step &step, const Work &work)
{
    const Pool &p = params<Pool>(step);
    each(work, p.items, [&](int sample, int i) {
        int largest = -0x8000;
        each_in_window(p, input<T>(step, 0, work, sample), i,
                       [&](int value) { largest = max(largest, value); });
        output<T>(step, 0, work, sample)[i] = narrow<T>(largest, p.low, p.high);
    });
}

} // namespace qe

QE_KERNEL(max_pool_int8, max_pool<int8_t>)
QE_KERNEL(max_pool_int16, max_pool<int16_t>)

// SOFTMAX of int16 rows, from tables: a warp for each.

namespace qe
{

struct SoftmaxInt16 {
    int rows;
    int size;
    Requantization by;
    const int16_t *exp_table, *reciprocal_table;
};

// Entry of a table over the int16 range, interpolated.
__device__ inline int look_up(const int16_t *table, int64_t x)
{
    int place = saturate16(x);
    int index = 256 + (place >> 7);
    int base = table[index], slope = table[index + 1] - base;
    return base + ((slope * (place & 127) + 64) >> 7);
}

__device__ inline int exp_int16(const SoftmaxInt16 &p, int difference)
{
    return look_up(p.exp_table, static_cast<int64_t>(requantize(difference, p.by, 0)) + 32767);
}

__device__ inline void softmax_int16(const Step &step, const Work &work)
{
    const SoftmaxInt16 &p = params<SoftmaxInt16>(step);
    each_warp(work, p.rows, [&](int sample, int row, int lane) {
        const int16_t *x = input<int16_t>(step, 0, work, sample) + row * p.size;
        int16_t *y = output<int16_t>(step, 0, work, sample) + row * p.size;
        int largest = -0x8000;
        for (int i = lane; i < p.size; i += WARP) {
            largest = max(largest, static_cast<int>(x[i]));
        }
        largest = warp_max(largest);
        int64_t sum = 0;
        for (int i = lane; i < p.size; i += WARP) {
            sum += exp_int16(p, x[i] - largest);
        }
        sum = warp_sum(sum);
        int headroom = __clz(static_cast<int>(static_cast<unsigned>(sum)));
        int64_t normal = headroom ? sum << (headroom - 1) : sum >> 1;
        normal = (normal + (1 << 13)) >> 14;
        int reciprocal = look_up(p.reciprocal_table, normal - (1 << 15) - (1 << 16));
        int right = 31 - headroom;
        for (int i = lane; i < p.size; i += WARP) {
            int64_t product = static_cast<int64_t>(exp_int16(p, x[i] - largest)) * reciprocal;
            y[i] = narrow<int16_t>((product + (1ll << (right - 1))) >> right, 0, 32767);
        }
    });
}

} // namespace qe

QE_KERNEL(softmax_int16_rows, softmax_int16)

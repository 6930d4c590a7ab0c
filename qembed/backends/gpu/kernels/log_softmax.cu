// LOG_SOFTMAX of int8 rows: a warp for each.

namespace qe
{

struct LogSoftmax {
    int rows;
    int size;
    int multiplier, shift;
    int diff_min;
    Requantization reverse;
};

__device__ inline void log_softmax(const Step &step, const Work &work)
{
    const LogSoftmax &p = params<LogSoftmax>(step);
    each_warp(work, p.rows, [&](int sample, int row, int lane) {
        const int8_t *x = input<int8_t>(step, 0, work, sample) + row * p.size;
        int8_t *y = output<int8_t>(step, 0, work, sample) + row * p.size;
        int largest = row_max(x, p.size, lane);
        int sum = sum_of_exps(x, p.size, lane, largest, p.diff_min, p.multiplier, p.shift);
        int log_sum = log_of_sum(sum);
        int smallest = requantize(static_cast<int64_t>(log_sum) - (1ll << 31), p.reverse, 0);
        int invisible = max(p.diff_min - 1, smallest);
        for (int i = lane; i < p.size; i += WARP) {
            int difference = x[i] - largest;
            int counted = difference >= p.diff_min ? difference : 0;
            int scaled = high_multiply(shift_left(counted, p.shift), p.multiplier);
            int64_t y_i = divide_by_power(scaled - log_sum, 22) + 127;
            y[i] = difference > invisible ? narrow<int8_t>(y_i, -128, 127) : -128;
        }
    });
}

} // namespace qe

QE_KERNEL(log_softmax_int8, log_softmax)

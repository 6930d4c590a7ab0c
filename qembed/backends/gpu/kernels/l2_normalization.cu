// L2_NORMALIZATION: a warp scales a row to length 1.

namespace qe
{

struct L2Normalization {
    int rows;
    int size;
    int zero_point;
};

__device__ inline void l2_normalization(const Step &step, const Work &work)
{
    const L2Normalization &p = params<L2Normalization>(step);
    each_warp(work, p.rows, [&](int sample, int row, int lane) {
        const int8_t *x = input<int8_t>(step, 0, work, sample) + row * p.size;
        int8_t *y = output<int8_t>(step, 0, work, sample) + row * p.size;
        int squares = 0;
        for (int i = lane; i < p.size; i += WARP) {
            int value = x[i] - p.zero_point;
            squares += value * value;
        }
        int multiplier, shift;
        inverse_square_root(warp_sum(squares), &multiplier, &shift);
        for (int i = lane; i < p.size; i += WARP) {
            int value = scale_twice(x[i] - p.zero_point, multiplier, shift + 7);
            y[i] = narrow<int8_t>(value, -128, 127);
        }
    });
}

} // namespace qe

QE_KERNEL(l2_normalization_int8, l2_normalization)

// RESIZE_BILINEAR: in steps of 1/1024 pixel.

namespace qe
{

struct ResizeBilinear {
    int items;
    int in_h, in_w, channels;
    int out_h, out_w;
    const int *row_low, *row_high, *row_fraction;
    const int *column_low, *column_high, *column_fraction;
    int ties_up; // 0: away from zero
};

template <class T> __device__ inline void resize_bilinear(const Step &step, const Work &work)
{
    const ResizeBilinear &p = params<ResizeBilinear>(step);
    each(work, p.items, [&](int sample, int i) {
        int c = i % p.channels, pixel = i / p.channels;
        int column = pixel % p.out_w, row = pixel / p.out_w % p.out_h;
        const T *x = input<T>(step, 0, work, sample) +
                     pixel / (p.out_w * p.out_h) * p.in_h * p.in_w * p.channels + c;
        const T *above = x + p.row_low[row] * p.in_w * p.channels;
        const T *below = x + p.row_high[row] * p.in_w * p.channels;
        int left = p.column_low[column] * p.channels, right = p.column_high[column] * p.channels;
        int64_t down = p.row_fraction[row], across = p.column_fraction[column];
        int64_t before = above[left] * (1024 - down) + below[left] * down;
        int64_t after = above[right] * (1024 - down) + below[right] * down;
        int64_t sum = before * (1024 - across) + after * across, half = 1 << 19;
        int64_t y = p.ties_up || sum >= 0 ? (sum + half) >> 20 : -((half - sum) >> 20);
        output<T>(step, 0, work, sample)[i] = static_cast<T>(y);
    });
}

} // namespace qe

QE_KERNEL(resize_bilinear_int8, resize_bilinear<int8_t>)
QE_KERNEL(resize_bilinear_int16, resize_bilinear<int16_t>)

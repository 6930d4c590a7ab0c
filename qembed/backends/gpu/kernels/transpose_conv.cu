// TRANSPOSE_CONV: every output gathers the input pixels whose windows reach it.

namespace qe
{

struct TransposeConv {
    int images;
    int in_h, in_w, in_c;
    int out_h, out_w, out_c;
    int kernel_h, kernel_w;
    int stride_h, stride_w;
    int top, left;
    int input_zero_point;
    const int8_t *weights; // OHWI
    const long long *bias;
    Requantization by;
    Output to;
};

template <class T> __device__ inline void transpose_conv(const Step &step, const Work &work)
{
    const TransposeConv &p = params<TransposeConv>(step);
    each(work, p.images * p.out_h * p.out_w * p.out_c, [&](int sample, int i) {
        int o = i % p.out_c, pixel = i / p.out_c;
        int out_x = pixel % p.out_w + p.left, out_y = pixel / p.out_w % p.out_h + p.top;
        int image = pixel / (p.out_w * p.out_h);
        const T *x = input<T>(step, 0, work, sample) + image * p.in_h * p.in_w * p.in_c;
        int64_t acc = p.bias[o];
        for (int ky = out_y % p.stride_h; ky < p.kernel_h && ky <= out_y; ky += p.stride_h) {
            int y = (out_y - ky) / p.stride_h;
            for (int kx = out_x % p.stride_w; kx < p.kernel_w && kx <= out_x; kx += p.stride_w) {
                int at_x = (out_x - kx) / p.stride_w;
                if (y >= p.in_h || at_x >= p.in_w) {
                    continue;
                }
                const T *pixel_x = x + (y * p.in_w + at_x) * p.in_c;
                const int8_t *w = p.weights + ((o * p.kernel_h + ky) * p.kernel_w + kx) * p.in_c;
                for (int c = 0; c < p.in_c; c++) {
                    acc += (pixel_x[c] - p.input_zero_point) * w[c];
                }
            }
        }
        output<T>(step, 0, work, sample)[i] =
            static_cast<T>(finish(requantize(acc, p.by, o), p.to));
    });
}

} // namespace qe

QE_KERNEL(transpose_conv_int8, transpose_conv<int8_t>)
QE_KERNEL(transpose_conv_int16, transpose_conv<int16_t>)

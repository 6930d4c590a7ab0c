// ConvInteger: sums of products as they are; the zero point is an input.

namespace qe
{

struct ConvInteger {
    int images;
    int in_h, in_w, in_c;
    int out_h, out_w, out_c;
    int kernel_h, kernel_w;
    int stride_h, stride_w;
    int dilation_h, dilation_w;
    int pad_top, pad_left;
    int group_in, group_out;
    const int8_t *weights; // OHWI
};

__device__ inline void conv_integer(const Step &step, const Work &work)
{
    const ConvInteger &p = params<ConvInteger>(step);
    each(work, p.images * p.out_h * p.out_w * p.out_c, [&](int sample, int i) {
        int o = i % p.out_c, pixel = i / p.out_c;
        int out_x = pixel % p.out_w, out_y = pixel / p.out_w % p.out_h;
        const int8_t *x = input<int8_t>(step, 0, work, sample) +
                          pixel / (p.out_w * p.out_h) * p.in_h * p.in_w * p.in_c +
                          o / p.group_out * p.group_in;
        const int8_t *w = p.weights + o * p.kernel_h * p.kernel_w * p.group_in;
        int zero_point = *input<int8_t>(step, 1, work, sample);
        int sum = 0;
        for (int ky = 0; ky < p.kernel_h; ky++) {
            int y = out_y * p.stride_h - p.pad_top + ky * p.dilation_h;
            for (int kx = 0; kx < p.kernel_w; kx++, w += p.group_in) {
                int at_x = out_x * p.stride_w - p.pad_left + kx * p.dilation_w;
                if (y < 0 || y >= p.in_h || at_x < 0 || at_x >= p.in_w) {
                    continue;
                }
                for (int c = 0; c < p.group_in; c++) {
                    sum += (x[(y * p.in_w + at_x) * p.in_c + c] - zero_point) * w[c];
                }
            }
        }
        output<int>(step, 0, work, sample)[i] = sum;
    });
}

} // namespace qe

QE_KERNEL(conv_integer_int8, conv_integer)

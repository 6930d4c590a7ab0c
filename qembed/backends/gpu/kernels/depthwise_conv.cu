// DEPTHWISE_CONV_2D.
//
// int8, a filter for each channel, channels in fours: a thread computes four channels of a pixel.
// Four taps at a time are read as words of four channels, transposed into words of four taps, and
// multiplied by dp4a; taps in the padding read as zero point, whose share is in the bias.

namespace qe
{

struct Depthwise {
    int images;
    int in_h, in_w;
    int out_h, out_w;
    int channels;
    int stride_h, stride_w;
    int pad_top, pad_left;
    int tap_groups; // of 4
    unsigned padding;
    const int4 *weights; // [tap group][channel / 4]: for each channel the weights of four taps
    const int *bias;
    const Tap *taps; // tap.offset without the channel
    Requantization by;
    Output to;
};

// Channels 4 * quad to 4 * quad + 3 of output pixel `pixel` of one sample, as a word.
__device__ inline unsigned depthwise_word(const Depthwise &p, const int8_t *x, int pixel, int quad)
{
    int row = pixel / p.out_w, image = row / p.out_h;
    int y = (row - image * p.out_h) * p.stride_h - p.pad_top;
    int left = (pixel - row * p.out_w) * p.stride_w - p.pad_left;
    int start = ((image * p.in_h + y) * p.in_w + left) * p.channels + 4 * quad;
    int acc[4];
    for (int i = 0; i < 4; i++) {
        acc[i] = p.bias[4 * quad + i];
    }
    for (int k = 0; k < p.tap_groups; k++) {
        unsigned seen[4];
#pragma unroll
        for (int i = 0; i < 4; i++) {
            Tap tap = p.taps[4 * k + i];
            bool inside = static_cast<unsigned>(y + tap.y) < static_cast<unsigned>(p.in_h) &&
                          static_cast<unsigned>(left + tap.x) < static_cast<unsigned>(p.in_w);
            seen[i] =
                inside ? *reinterpret_cast<const unsigned *>(x + start + tap.offset) : p.padding;
        }
        unsigned low01 = __byte_perm(seen[0], seen[1], 0x5140);
        unsigned low23 = __byte_perm(seen[2], seen[3], 0x5140);
        unsigned high01 = __byte_perm(seen[0], seen[1], 0x7362);
        unsigned high23 = __byte_perm(seen[2], seen[3], 0x7362);
        int4 w = p.weights[k * (p.channels / 4) + quad];
        acc[0] = __dp4a(static_cast<int>(__byte_perm(low01, low23, 0x5410)), w.x, acc[0]);
        acc[1] = __dp4a(static_cast<int>(__byte_perm(low01, low23, 0x7632)), w.y, acc[1]);
        acc[2] = __dp4a(static_cast<int>(__byte_perm(high01, high23, 0x5410)), w.z, acc[2]);
        acc[3] = __dp4a(static_cast<int>(__byte_perm(high01, high23, 0x7632)), w.w, acc[3]);
    }
    unsigned word = 0;
    for (int i = 0; i < 4; i++) {
        int value = finish(requantize(acc[i], p.by, 4 * quad + i), p.to);
        word |= static_cast<unsigned>(static_cast<uint8_t>(value)) << (8 * i);
    }
    return word;
}

__device__ inline void depthwise_quads_of(const Step &step, const Work &work)
{
    const Depthwise &p = params<Depthwise>(step);
    int quads = p.channels / 4;
    each(work, p.images * p.out_h * p.out_w * quads, [&](int sample, int i) {
        int pixel = i / quads;
        unsigned word =
            depthwise_word(p, input<int8_t>(step, 0, work, sample), pixel, i - pixel * quads);
        reinterpret_cast<unsigned *>(output<int8_t>(step, 0, work, sample))[i] = word;
    });
}

} // namespace qe

QE_KERNEL(depthwise_quads, depthwise_quads_of)

// Everything else: one thread an output.
namespace qe
{

struct DirectDepthwise {
    int images;
    int in_h, in_w, in_c;
    int out_h, out_w, out_c;
    int kernel_h, kernel_w;
    int stride_h, stride_w;
    int dilation_h, dilation_w;
    int pad_top, pad_left;
    int input_zero_point;
    const int8_t *weights; // HWO
    const long long *bias;
    Requantization by;
    Output to;
};

template <class T> __device__ inline void depthwise_direct(const Step &step, const Work &work)
{
    const DirectDepthwise &p = params<DirectDepthwise>(step);
    int filters = p.out_c / p.in_c; // of an input channel
    each(work, p.images * p.out_h * p.out_w * p.out_c, [&](int sample, int i) {
        int o = i % p.out_c, pixel = i / p.out_c;
        int out_x = pixel % p.out_w, out_y = pixel / p.out_w % p.out_h;
        int image = pixel / (p.out_w * p.out_h);
        const T *x =
            input<T>(step, 0, work, sample) + image * p.in_h * p.in_w * p.in_c + o / filters;
        int64_t acc = p.bias[o];
        for (int ky = 0; ky < p.kernel_h; ky++) {
            int y = out_y * p.stride_h - p.pad_top + ky * p.dilation_h;
            for (int kx = 0; kx < p.kernel_w; kx++) {
                int at_x = out_x * p.stride_w - p.pad_left + kx * p.dilation_w;
                if (y >= 0 && y < p.in_h && at_x >= 0 && at_x < p.in_w) {
                    acc += (x[(y * p.in_w + at_x) * p.in_c] - p.input_zero_point) *
                           p.weights[(ky * p.kernel_w + kx) * p.out_c + o];
                }
            }
        }
        output<T>(step, 0, work, sample)[i] =
            static_cast<T>(finish(requantize(acc, p.by, o), p.to));
    });
}

} // namespace qe

QE_KERNEL(depthwise_direct_int8, depthwise_direct<int8_t>)
QE_KERNEL(depthwise_direct_int16, depthwise_direct<int16_t>)

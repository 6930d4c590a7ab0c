// CONV_2D, and FULLY_CONNECTED as a convolution of single pixels.
//
// int8: a matrix product on tensor cores. Rows are output pixels of all samples, columns output
// channels, and the K axis runs over the window. A warp computes 16 rows by up to 64 columns and
// reads the activations straight into fragments; the weights come packed in fragment order, and
// their columns are dealt out so that a thread's channels are neighbours (ops/_sums.py).
// The zero point's share of every sum is in the bias; pixels in the padding read as zero point.

namespace qe
{

// A 32-bit word of the window, or one byte of it: offset from the window's first pixel, and the
// pixel it belongs to. Behind the end of the window: a pixel far outside.
struct Tap {
    int offset;
    int y, x;
    int unused;
};

struct Conv {
    int images; // of one sample
    int in_h, in_w, in_c;
    int out_h, out_w, out_c;
    int stride_h, stride_w;
    int pad_top, pad_left;
    int groups, group_in, group_out;
    int k_steps;          // of 32 bytes
    int tiles;            // of 8 columns in a block of columns: even, at most 8
    int blocks;           // of columns in a group
    int row_kind;         // of `enum RowKind`
    unsigned padding;     // the input's zero point in all four bytes
    const uint2 *weights; // [group][block][k_step][tile][lane]
    const int *bias;
    const Tap *taps;
    Requantization by;
    Output to;
};

const int MAX_TILES = 8;

enum RowKind { PIXELS, WINDOWS, BYTES };

// Row of the product: a window of the input, by words. Channels of a group are a multiple of 4.
struct WindowRow {
    const int8_t *image;
    int y, x, start;
    const Conv &p;

    __device__ WindowRow(const Conv &p, const int8_t *image, int out_y, int out_x, int group)
        : image(image), y(out_y * p.stride_h - p.pad_top), x(out_x * p.stride_w - p.pad_left), p(p)
    {
        start = (y * p.in_w + x) * p.in_c + group * p.group_in;
    }
    __device__ bool inside(const Tap &tap) const
    {
        return static_cast<unsigned>(y + tap.y) < static_cast<unsigned>(p.in_h) &&
               static_cast<unsigned>(x + tap.x) < static_cast<unsigned>(p.in_w);
    }
    __device__ unsigned word(int k) const
    {
        Tap tap = p.taps[k];
        return inside(tap) ? *reinterpret_cast<const unsigned *>(image + start + tap.offset)
                           : p.padding;
    }
};

// The same byte by byte, for any number of channels.
struct ByteRow : WindowRow {
    using WindowRow::WindowRow;
    __device__ unsigned word(int k) const
    {
        unsigned word = 0;
        for (int i = 0; i < 4; i++) {
            Tap tap = p.taps[4 * k + i];
            unsigned byte =
                inside(tap) ? static_cast<uint8_t>(image[start + tap.offset]) : p.padding & 0xff;
            word |= byte << (8 * i);
        }
        return word;
    }
};

// Windows of one pixel, none in the padding: the row is contiguous.
struct PixelRow {
    const unsigned *words;
    int count;

    __device__ PixelRow(const Conv &p, const int8_t *image, int out_y, int out_x, int group)
        : count(p.group_in / 4)
    {
        int pixel = out_y * p.stride_h * p.in_w + out_x * p.stride_w;
        words = reinterpret_cast<const unsigned *>(image + pixel * p.in_c + group * p.group_in);
    }
    __device__ unsigned word(int k) const
    {
        return k < count ? words[k] : 0;
    }
};

// Sums of 16 rows and the block's columns. Row g of the tile is `upper`, row g + 8 `lower`.
template <class Row>
__device__ inline void multiply(const Conv &p, const Row &upper, const Row &lower,
                                const uint2 *weights, int lane, int acc[MAX_TILES][4])
{
    int t = lane % 4;
    for (int k = 0; k < p.k_steps; k++) {
        unsigned a[4] = {upper.word(8 * k + t), lower.word(8 * k + t), upper.word(8 * k + t + 4),
                         lower.word(8 * k + t + 4)};
#pragma unroll
        for (int j = 0; j < MAX_TILES; j++) {
            if (j < p.tiles) {
                uint2 w = weights[(k * p.tiles + j) * WARP + lane];
                unsigned b[2] = {w.x, w.y};
                multiply_tile(acc[j], a, b);
            }
        }
    }
}

// Requantize one row of the tile and store it: this thread's channels from `channel` on.
__device__ inline void store_row(const Conv &p, const int acc[MAX_TILES][4], int half, int group,
                                 int channel, int8_t *y)
{
#pragma unroll
    for (int j = 0; j < MAX_TILES; j += 2) {
        if (j >= p.tiles) {
            break;
        }
        unsigned word = 0;
#pragma unroll
        for (int i = 0; i < 4; i++) {
            int c = group * p.group_out + min(channel + 2 * j + i, p.group_out - 1);
            unsigned sum = static_cast<unsigned>(acc[j + i / 2][2 * half + i % 2]);
            sum += static_cast<unsigned>(p.bias[c]); // modulo 2**32, as all sums here
            int value = finish(requantize(static_cast<int>(sum), p.by, c), p.to);
            word |= static_cast<unsigned>(static_cast<uint8_t>(value)) << (8 * i);
        }
        int8_t *to = y + channel + 2 * j;
        if ((p.out_c | p.group_out) % 4 == 0) {
            if (channel + 2 * j < p.group_out) {
                *reinterpret_cast<unsigned *>(to) = word;
            }
        } else {
            for (int i = 0; i < 4 && channel + 2 * j + i < p.group_out; i++) {
                to[i] = static_cast<int8_t>(word >> (8 * i));
            }
        }
    }
}

// Sums of rows `first` and `first + 8` of the product; rows behind the last one repeat it.
template <class Row>
__device__ inline void multiply_rows_at(const Step &step, const Work &work, int first, int rows,
                                        int columns, int lane, int acc[MAX_TILES][4])
{
    const Conv &p = params<Conv>(step);
    int pixels = p.out_h * p.out_w, group = columns / p.blocks;
    auto row = [&](int index) {
        index = min(index, rows - 1);
        int image = index / pixels, pixel = index - image * pixels;
        int sample = image / p.images, y = pixel / p.out_w;
        const int8_t *x = input<int8_t>(step, 0, work, sample) +
                          (image - sample * p.images) * p.in_h * p.in_w * p.in_c;
        return Row(p, x, y, pixel - y * p.out_w, group);
    };
    multiply(p, row(first), row(first + 8), p.weights + columns * p.k_steps * p.tiles * WARP, lane,
             acc);
}

__device__ inline void conv_matrix_of(const Step &step, const Work &work)
{
    const Conv &p = params<Conv>(step);
    int outputs = p.images * p.out_h * p.out_w, rows = work.batch * outputs;
    int row_tiles = (rows + 15) / 16;
    int units = p.groups * p.blocks * row_tiles;
    int lane = static_cast<int>(threadIdx.x % WARP);
    int warps = static_cast<int>(work.threads / WARP);
    for (int unit = static_cast<int>(work.thread / WARP); unit < units; unit += warps) {
        int columns = unit / row_tiles, first = (unit - columns * row_tiles) * 16 + lane / 4;
        int acc[MAX_TILES][4] = {};
        if (p.row_kind == PIXELS) {
            multiply_rows_at<PixelRow>(step, work, first, rows, columns, lane, acc);
        } else if (p.row_kind == WINDOWS) {
            multiply_rows_at<WindowRow>(step, work, first, rows, columns, lane, acc);
        } else {
            multiply_rows_at<ByteRow>(step, work, first, rows, columns, lane, acc);
        }
        int group = columns / p.blocks, block = columns - group * p.blocks;
        int channel = block * p.tiles * 8 + lane % 4 * 2 * p.tiles;
#pragma unroll
        for (int half = 0; half < 2; half++) {
            int index = first + 8 * half, sample = index / outputs;
            if (index < rows) {
                int8_t *y = output<int8_t>(step, 0, work, sample) +
                            (index - sample * outputs) * p.out_c + group * p.group_out;
                store_row(p, acc, half, group, channel, y);
            }
        }
    }
}

} // namespace qe

QE_KERNEL(conv_matrix, conv_matrix_of)

// 16-bit activations, or sums of more than 32 bits: one thread an output.
namespace qe
{

struct DirectConv {
    int images;
    int in_h, in_w, in_c;
    int out_h, out_w, out_c;
    int kernel_h, kernel_w;
    int stride_h, stride_w;
    int dilation_h, dilation_w;
    int pad_top, pad_left;
    int group_in, group_out;
    int input_zero_point;
    const int8_t *weights; // OHWI
    const long long *bias;
    Requantization by;
    Output to;
};

template <class T> __device__ inline void conv_direct(const Step &step, const Work &work)
{
    const DirectConv &p = params<DirectConv>(step);
    unsigned items = p.images * p.out_h * p.out_w * p.out_c;
    each(work, items, [&](int sample, int i) {
        int o = i % p.out_c, pixel = i / p.out_c;
        int out_x = pixel % p.out_w, out_y = pixel / p.out_w % p.out_h;
        int image = pixel / (p.out_w * p.out_h);
        const T *x = input<T>(step, 0, work, sample) + image * p.in_h * p.in_w * p.in_c +
                     o / p.group_out * p.group_in;
        const int8_t *w = p.weights + o * p.kernel_h * p.kernel_w * p.group_in;
        int64_t acc = p.bias[o];
        for (int ky = 0; ky < p.kernel_h; ky++) {
            int y = out_y * p.stride_h - p.pad_top + ky * p.dilation_h;
            for (int kx = 0; kx < p.kernel_w; kx++, w += p.group_in) {
                int at_x = out_x * p.stride_w - p.pad_left + kx * p.dilation_w;
                if (y < 0 || y >= p.in_h || at_x < 0 || at_x >= p.in_w) {
                    continue;
                }
                const T *pixel_x = x + (y * p.in_w + at_x) * p.in_c;
                for (int c = 0; c < p.group_in; c++) {
                    acc += (pixel_x[c] - p.input_zero_point) * w[c];
                }
            }
        }
        output<T>(step, 0, work, sample)[i] =
            static_cast<T>(finish(requantize(acc, p.by, o), p.to));
    });
}

} // namespace qe

QE_KERNEL(conv_direct_int8, conv_direct<int8_t>)
QE_KERNEL(conv_direct_int16, conv_direct<int16_t>)

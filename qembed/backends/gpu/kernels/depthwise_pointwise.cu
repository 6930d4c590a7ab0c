// A depthwise convolution and the convolution of single pixels behind it, in one kernel: the
// activations between them stay in shared memory.
//
// A block takes 64 output pixels at a time. steps[0]: the depthwise layer, steps[1]: the other.

namespace qe
{

const int FUSED_ROWS = 64;
const int FUSED_SKEW = 16; // bytes between rows: neighbours start in other memory banks

struct SharedRow {
    const unsigned *words;
    int count;

    __device__ unsigned word(int k) const
    {
        return k < count ? words[k] : 0;
    }
};

__device__ inline void fill_rows(const Step &step, const Work &work, int start, int rows, char *mid)
{
    const Depthwise &p = params<Depthwise>(step);
    int quads = p.channels / 4, pixels = p.images * p.out_h * p.out_w;
    for (int i = threadIdx.x; i < FUSED_ROWS * quads; i += blockDim.x) {
        int local = i / quads, quad = i - local * quads, row = start + local;
        if (row < rows) {
            int sample = row / pixels;
            unsigned word = depthwise_word(p, input<int8_t>(step, 0, work, sample),
                                           row - sample * pixels, quad);
            char *to = mid + local * (p.channels + FUSED_SKEW) + 4 * quad;
            *reinterpret_cast<unsigned *>(to) = word;
        }
    }
}

__device__ inline void multiply_rows(const Step &step, const Work &work, int start, int rows,
                                     const char *mid)
{
    const Conv &p = params<Conv>(step);
    int pixels = p.images * p.out_h * p.out_w;
    int lane = static_cast<int>(threadIdx.x % WARP);
    auto row = [&](int local) {
        const char *words = mid + local * (p.in_c + FUSED_SKEW);
        return SharedRow{reinterpret_cast<const unsigned *>(words), p.in_c / 4};
    };
    for (int unit = threadIdx.x / WARP; unit < p.blocks * (FUSED_ROWS / 16);
         unit += blockDim.x / WARP) {
        int block = unit / (FUSED_ROWS / 16), local = unit % (FUSED_ROWS / 16) * 16 + lane / 4;
        int acc[MAX_TILES][4] = {};
        multiply(p, row(local), row(local + 8), p.weights + block * p.k_steps * p.tiles * WARP,
                 lane, acc);
#pragma unroll
        for (int half = 0; half < 2; half++) {
            int index = start + local + 8 * half;
            if (index < rows) {
                int sample = index / pixels;
                int8_t *y =
                    output<int8_t>(step, 0, work, sample) + (index - sample * pixels) * p.out_c;
                store_row(p, acc, half, 0, block * p.tiles * 8 + lane % 4 * 2 * p.tiles, y);
            }
        }
    }
}

} // namespace qe

extern "C" __global__ void __launch_bounds__(qe::THREADS, 2)
    qe_depthwise_pointwise(const qe::Step *steps, int count, int first, int batch)
{
    QE_DYNAMIC_SHARED(mid);
    qe::Work work = qe::work_of_grid(first, batch);
    const qe::Conv &p = qe::params<qe::Conv>(steps[1]);
    int rows = batch * p.images * p.out_h * p.out_w;
    for (int start = blockIdx.x * qe::FUSED_ROWS; start < rows;
         start += gridDim.x * qe::FUSED_ROWS) {
        qe::fill_rows(steps[0], work, start, rows, mid);
        __syncthreads();
        qe::multiply_rows(steps[1], work, start, rows, mid);
        __syncthreads();
    }
}

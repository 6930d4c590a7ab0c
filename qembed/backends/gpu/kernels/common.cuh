// What every kernel builds on: records, the sharing of work among threads, requantization.
//
// All files of this folder are compiled as one text, this one first: by NVRTC for a GPU, and in
// tests by a C++ compiler, with a header in front that runs the threads of a block one by one.

#pragma once

#ifdef __CUDACC_RTC__
typedef signed char int8_t;
typedef unsigned char uint8_t;
typedef short int16_t;
typedef unsigned short uint16_t;
typedef int int32_t;
typedef unsigned uint32_t;
typedef long long int64_t;
#endif

#ifndef QE_SHIM
#define QE_DYNAMIC_SHARED(name) extern __shared__ __align__(16) char name[]
#endif

namespace qe
{

const int THREADS = 256; // of a block
const int WARP = 32;

// Records: written by records.py, which reads their fields here.

// Where a tensor lies. A sample further is `stride` elements further; 0: all samples share it.
struct Operand {
    char *data; // an address, or an offset in the block's shared memory
    long long stride;
    int in_shared;
};

// One kernel and what it works on.
struct Step {
    const void *params; // a record of the kernel's own
    Operand in[4];
    Operand out[3];
    int kernel; // of `enum Kernel` in network.cu
};

// y = (x * multiplier + addend - (x < 0 ? tie * 2**31 : 0)) >> right, where x is the accumulator
// shifted left; or, in floating point, y = round(x * real).
struct Scale {
    int multiplier;
    int left;
    int right;
    int tie;
    long long addend;
    double real;
};

enum Rounding { SATURATE, WRAP, FLOAT32, FLOAT64 };

struct Requantization {
    const Scale *scale;
    int step;     // 1: a scale for each channel, 0: one for all
    int rounding; // of `enum Rounding`
};

// The clamp is given relative to the zero point, so that nothing overflows before it.
struct Output {
    int low;
    int high;
    int zero_point;
};

// Tensors, samples and threads.

// Samples `first` to `first + batch - 1`, shared by `threads` threads of which this is `thread`.
// Kernels that need a whole block for a sample take samples `block`, `block + blocks`, ...
struct Work {
    int first, batch;
    unsigned thread, threads;
    unsigned block, blocks;
    char *shared;
};

__device__ inline Work work_of_grid(int first, int batch)
{
    return {first,
            batch,
            blockIdx.x * blockDim.x + threadIdx.x,
            gridDim.x * blockDim.x,
            blockIdx.x,
            gridDim.x,
            nullptr};
}

__device__ inline Work work_of_block(int sample, char *shared)
{
    return {sample, 1, threadIdx.x, blockDim.x, 0, 1, shared};
}

template <class T> __device__ inline T *place(const Operand &operand, const Work &work, int sample)
{
    char *base =
        operand.in_shared ? work.shared + reinterpret_cast<size_t>(operand.data) : operand.data;
    return reinterpret_cast<T *>(base) + (work.first + sample) * operand.stride;
}

template <class T>
__device__ inline const T *input(const Step &step, int index, const Work &work, int sample)
{
    return place<const T>(step.in[index], work, sample);
}

template <class T>
__device__ inline T *output(const Step &step, int index, const Work &work, int sample)
{
    return place<T>(step.out[index], work, sample);
}

template <class Params> __device__ inline const Params &params(const Step &step)
{
    return *static_cast<const Params *>(step.params);
}

// body(sample, i) for every i < items of every sample.
template <class Body> __device__ inline void each(const Work &work, unsigned items, Body body)
{
    unsigned total = items * static_cast<unsigned>(work.batch);
    for (unsigned i = work.thread; i < total; i += work.threads) {
        unsigned sample = i / items;
        body(static_cast<int>(sample), static_cast<int>(i - sample * items));
    }
}

// The same with a warp for each item: body(sample, i, lane).
template <class Body> __device__ inline void each_warp(const Work &work, unsigned items, Body body)
{
    Work warps = work;
    warps.thread /= WARP;
    warps.threads /= WARP;
    int lane = static_cast<int>(threadIdx.x % WARP);
    each(warps, items, [&](int sample, int i) { body(sample, i, lane); });
}

template <class T> __device__ inline T warp_sum(T value)
{
    for (int distance = WARP / 2; distance > 0; distance /= 2) {
        value += __shfl_xor_sync(0xffffffffu, value, distance);
    }
    return value;
}

__device__ inline int warp_max(int value)
{
    for (int distance = WARP / 2; distance > 0; distance /= 2) {
        value = max(value, __shfl_xor_sync(0xffffffffu, value, distance));
    }
    return value;
}

// Position of item i in an operand that may be broadcast or reordered.
__device__ inline int at(const int *index, int i)
{
    return index ? index[i] : i;
}

// Arithmetic.

__device__ inline int saturate(int64_t x)
{
    return static_cast<int>(min(max(x, -0x80000000ll), 0x7fffffffll));
}

__device__ inline int saturate16(int64_t x)
{
    return static_cast<int>(min(max(x, -0x8000ll), 0x7fffll));
}

__device__ inline int shift_left(int64_t x, int bits) // modulo 2**32
{
    return static_cast<int>(static_cast<unsigned>(x) << bits);
}

__device__ __noinline__ int scale_float(int64_t acc, const Scale &scale, int rounding)
{
    const int64_t FAR = 1ll << 30; // beyond every clamp
    int64_t y;
    if (rounding == FLOAT32) {
        y = __float2ll_rn(__fmul_rn(__ll2float_rn(acc), static_cast<float>(scale.real)));
    } else {
        double product = __dmul_rn(__ll2double_rn(acc), scale.real);
        int64_t magnitude = static_cast<int64_t>(floor(__dadd_rn(fabs(product), 0.5)));
        y = product < 0 ? -magnitude : magnitude;
    }
    return static_cast<int>(min(max(y, -FAR), FAR));
}

// An accumulator in output steps, without the zero point. `Acc`: int, or int64_t where more than
// its low 32 bits may count.
template <class Acc>
__device__ inline int requantize(Acc acc, const Requantization &by, int channel)
{
    const Scale &scale = by.scale[channel * by.step];
    if (by.rounding == SATURATE) {
        int x = shift_left(acc, scale.left);
        int64_t tie = static_cast<int64_t>(x < 0 ? scale.tie : 0) << 31;
        int64_t y =
            (static_cast<int64_t>(x) * scale.multiplier + scale.addend - tie) >> scale.right;
        return scale.right < 31 ? saturate(y) : static_cast<int>(y);
    }
    if (by.rounding == WRAP) {
        return static_cast<int>((acc * scale.multiplier + scale.addend) >> scale.right);
    }
    return scale_float(acc, scale, by.rounding);
}

__device__ inline int finish(int y, const Output &to)
{
    return min(max(y, to.low), to.high) + to.zero_point;
}

template <class T> __device__ inline T narrow(int64_t y, int64_t low, int64_t high)
{
    return static_cast<T>(min(max(y, low), high));
}

} // namespace qe

// A kernel: `qe::name(step, work)` on the device, `qe_name` to launch.
#define QE_KERNEL(name, ...)                                                                       \
    namespace qe                                                                                   \
    {                                                                                              \
    __device__ void name(const Step &step, const Work &work)                                       \
    {                                                                                              \
        __VA_ARGS__(step, work);                                                                   \
    }                                                                                              \
    }                                                                                              \
    extern "C" __global__ void __launch_bounds__(qe::THREADS)                                      \
        qe_##name(const qe::Step *steps, int count, int first, int batch)                          \
    {                                                                                              \
        qe::name(steps[0], qe::work_of_grid(first, batch));                                        \
    }

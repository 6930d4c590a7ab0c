// SVDF: a block for each sample.

namespace qe
{

struct Svdf {
    int rows, features, filters, units, rank, memory;
    const int8_t *feature_weights; // [filter][feature]
    const int16_t *time_weights;   // [filter][memory]
    const int *bias;
    Requantization by_state, by_output;
    int input_zero_point, state_zero_point, output_zero_point;
};

// Move a filter's memory by one and append its newest value. Old and new may be the same place.
template <class T>
__device__ inline void remember(const Svdf &p, int filter, const int8_t *x, const T *before,
                                T *after)
{
    int64_t acc = 0;
    for (int i = 0; i < p.features; i++) {
        acc += (x[i] - p.input_zero_point) * p.feature_weights[filter * p.features + i];
    }
    const int64_t LIMIT = 1ll << (8 * sizeof(T) - 1);
    int64_t newest =
        min(max(static_cast<int64_t>(requantize(acc, p.by_state, 0)), -LIMIT), LIMIT - 1);
    for (int m = 0; m + 1 < p.memory; m++) {
        after[m] = before[m + 1];
    }
    after[p.memory - 1] = static_cast<T>(newest + p.state_zero_point); // wraps
}

template <class T> __device__ inline void svdf(const Step &step, const Work &work)
{
    const Svdf &p = params<Svdf>(step);
    for (int sample = static_cast<int>(work.block); sample < work.batch;
         sample += static_cast<int>(work.blocks)) {
        const int8_t *x = input<int8_t>(step, 0, work, sample);
        const T *before = input<T>(step, 1, work, sample);
        int8_t *y = output<int8_t>(step, 0, work, sample);
        T *after = output<T>(step, 1, work, sample);
        for (int i = threadIdx.x; i < p.rows * p.filters; i += blockDim.x) {
            int row = i / p.filters;
            remember(p, i - row * p.filters, x + row * p.features, before + i * p.memory,
                     after + i * p.memory);
        }
        __syncthreads();
        for (int i = threadIdx.x; i < p.rows * p.units; i += blockDim.x) {
            int row = i / p.units, unit = i - row * p.units;
            const T *history = after + (row * p.filters + unit * p.rank) * p.memory;
            const int16_t *weights = p.time_weights + unit * p.rank * p.memory;
            int64_t acc = p.bias[unit];
            for (int m = 0; m < p.rank * p.memory; m++) {
                acc += static_cast<int64_t>(history[m] - p.state_zero_point) * weights[m];
            }
            int64_t sum =
                static_cast<int64_t>(requantize(acc, p.by_output, 0)) + p.output_zero_point;
            y[i] = narrow<int8_t>(sum, -128, 127);
        }
    }
}

} // namespace qe

QE_KERNEL(svdf_int8, svdf<int8_t>)
QE_KERNEL(svdf_int16, svdf<int16_t>)

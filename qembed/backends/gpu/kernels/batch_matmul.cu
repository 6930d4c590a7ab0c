// BATCH_MATMUL: one thread an output.

namespace qe
{

struct BatchMatmul {
    int items;
    int rows, columns, depth;
    const int *matrix1, *matrix2; // where the matrices of each output matrix begin
    int row_stride1, depth_stride1;
    int column_stride2, depth_stride2;
    int zero_point1, zero_point2;
    Requantization by;
    Output to;
};

template <class T> __device__ inline void batch_matmul(const Step &step, const Work &work)
{
    const BatchMatmul &p = params<BatchMatmul>(step);
    each(work, p.items, [&](int sample, int i) {
        int row = i / p.columns, column = i - row * p.columns;
        int matrix = row / p.rows;
        row -= matrix * p.rows;
        const T *x1 = input<T>(step, 0, work, sample) + p.matrix1[matrix] + row * p.row_stride1;
        const T *x2 =
            input<T>(step, 1, work, sample) + p.matrix2[matrix] + column * p.column_stride2;
        int64_t acc = 0;
        for (int k = 0; k < p.depth; k++) {
            acc += static_cast<int64_t>(x1[k * p.depth_stride1] - p.zero_point1) *
                   (x2[k * p.depth_stride2] - p.zero_point2);
        }
        output<T>(step, 0, work, sample)[i] =
            static_cast<T>(finish(requantize(acc, p.by, 0), p.to));
    });
}

} // namespace qe

QE_KERNEL(batch_matmul_int8, batch_matmul<int8_t>)
QE_KERNEL(batch_matmul_int16, batch_matmul<int16_t>)

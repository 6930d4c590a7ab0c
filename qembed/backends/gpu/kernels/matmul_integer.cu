// MatMulInteger: sums of products as they are; the zero points are inputs.

namespace qe
{

struct MatmulInteger {
    int items;
    int rows, columns, depth;
    const int *matrix1, *matrix2; // where the matrices of each output matrix begin
};

__device__ inline void matmul_integer(const Step &step, const Work &work)
{
    const MatmulInteger &p = params<MatmulInteger>(step);
    each(work, p.items, [&](int sample, int i) {
        int row = i / p.columns, column = i - row * p.columns;
        int matrix = row / p.rows;
        const int8_t *x1 = input<int8_t>(step, 0, work, sample) + p.matrix1[matrix] +
                           (row - matrix * p.rows) * p.depth;
        const int8_t *x2 = input<int8_t>(step, 1, work, sample) + p.matrix2[matrix] + column;
        int zero_point1 = *input<int8_t>(step, 2, work, sample);
        int zero_point2 = *input<int8_t>(step, 3, work, sample);
        int sum = 0;
        for (int k = 0; k < p.depth; k++) {
            sum += (x1[k] - zero_point1) * (x2[k * p.columns] - zero_point2);
        }
        output<int>(step, 0, work, sample)[i] = sum;
    });
}

} // namespace qe

QE_KERNEL(matmul_integer_int8, matmul_integer)

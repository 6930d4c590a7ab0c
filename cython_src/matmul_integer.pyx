"""MatMulInteger on the host."""

from libc.stdint cimport int32_t

from qembed._host._kernel cimport Kernel, schar

import numpy as np


cdef struct Data:
    Py_ssize_t matrices, rows, depth, columns
    Py_ssize_t count1, count2    # elements of the operands, per sample
    const Py_ssize_t *start1     # [matrices]: first element of each
    const Py_ssize_t *start2


cdef void multiply(
    const Data *layer,
    const schar *left,
    const schar *right,
    int32_t zero_point1,
    int32_t zero_point2,
    int32_t *y,
) noexcept nogil:
    cdef Py_ssize_t row, column, i
    cdef int32_t total
    for row in range(layer.rows):
        for column in range(layer.columns):
            total = 0
            for i in range(layer.depth):
                total += (left[row * layer.depth + i] - zero_point1) * (
                    right[i * layer.columns + column] - zero_point2
                )
            y[row * layer.columns + column] = total


cdef void run(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    cdef const Data *layer = <const Data *> data
    cdef const schar *x1 = <const schar *> inputs[0]
    cdef const schar *x2 = <const schar *> inputs[1]
    cdef const schar *zero_points1 = <const schar *> inputs[2]
    cdef const schar *zero_points2 = <const schar *> inputs[3]
    cdef int32_t *y = <int32_t *> outputs[0]
    cdef Py_ssize_t sample, matrix
    for sample in range(batch):
        for matrix in range(layer.matrices):
            multiply(
                layer,
                x1 + layer.start1[matrix],
                x2 + layer.start2[matrix],
                zero_points1[sample],
                zero_points2[sample],
                y,
            )
            y += layer.rows * layer.columns
        x1 += layer.count1
        x2 += layer.count2


cdef class MatmulIntegerKernel(Kernel):
    """See `qembed.ops.matmul_integer`."""

    cdef Data layer

    def __init__(self, params, inputs, outputs):
        *batches, rows, columns = outputs[0].shape
        self.layer.matrices = int(np.prod(batches, dtype=np.int64))
        self.layer.rows, self.layer.columns = rows, columns
        self.layer.depth = inputs[0].shape[-1]
        self.layer.count1, self.layer.count2 = inputs[0].nbytes, inputs[1].nbytes
        starts = []
        for x in inputs[:2]:
            first = np.arange(0, x.nbytes, x.shape[-2] * x.shape[-1]).reshape(x.shape[:-2])
            starts.append(np.broadcast_to(first, batches))
        self.layer.start1 = <const Py_ssize_t *> self.hold(starts[0])
        self.layer.start2 = <const Py_ssize_t *> self.hold(starts[1])
        self.data = &self.layer
        self.run = run

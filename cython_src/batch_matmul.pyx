"""BATCH_MATMUL on the host."""

from libc.stdint cimport int32_t, int64_t

from qembed._host._kernel cimport (
    Kernel,
    Scale,
    activation,
    qh_clamp,
    rescale,
    schar,
    set_scale,
)

import numpy as np


# A matrix inside an operand: steps between neighbours along the rows and columns of the product.
cdef struct Matrix:
    Py_ssize_t outer_step  # along M or N
    Py_ssize_t inner_step  # along K
    Py_ssize_t count       # elements of the operand, per sample
    const Py_ssize_t *start  # [matrices]: first element of each


cdef struct Data:
    Matrix left
    Matrix right
    Py_ssize_t matrices, m, n, k
    Scale scale
    int32_t zero_point1
    int32_t zero_point2
    int32_t output_zero_point
    int32_t low
    int32_t high


cdef inline int32_t element(
    const Data *layer, const activation *x1, const activation *x2
) noexcept nogil:
    cdef int64_t acc = 0
    cdef Py_ssize_t i
    for i in range(layer.k):
        acc += <int64_t> (x1[i * layer.left.inner_step] - layer.zero_point1) * (
            x2[i * layer.right.inner_step] - layer.zero_point2
        )
    return qh_clamp(
        rescale(&layer.scale, acc) + layer.output_zero_point, layer.low, layer.high
    )


cdef void multiply_all(
    const Data *layer, const activation *x1, const activation *x2, activation *y, Py_ssize_t batch
) noexcept nogil:
    cdef Py_ssize_t _sample, matrix, row, column
    for _sample in range(batch):
        for matrix in range(layer.matrices):
            for row in range(layer.m):
                for column in range(layer.n):
                    y[0] = <activation> element(
                        layer,
                        x1 + layer.left.start[matrix] + row * layer.left.outer_step,
                        x2 + layer.right.start[matrix] + column * layer.right.outer_step,
                    )
                    y += 1
        x1 += layer.left.count
        x2 += layer.right.count


cdef void run_int8(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    multiply_all[schar](
        <const Data *> data, <const schar *> inputs[0], <const schar *> inputs[1],
        <schar *> outputs[0], batch,
    )


cdef void run_int16(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    multiply_all[short](
        <const Data *> data, <const short *> inputs[0], <const short *> inputs[1],
        <short *> outputs[0], batch,
    )


cdef class BatchMatmulKernel(Kernel):
    """See `qembed.ops.batch_matmul`."""

    cdef Data layer

    def __init__(self, params, inputs, outputs):
        *batches, m, n = outputs[0].shape
        self.layer.matrices = int(np.prod(batches, dtype=np.int64))
        self.layer.m, self.layer.n = m, n
        self.layer.k = inputs[0].shape[-2 if params.transpose1 else -1]
        self.layer.left = self.matrix(inputs[0].shape, batches, params.transpose1)
        self.layer.right = self.matrix(inputs[1].shape, batches, not params.transpose2)
        set_scale(&self.layer.scale, params.requantization)
        self.layer.zero_point1 = params.input1_zero_point
        self.layer.zero_point2 = params.input2_zero_point
        self.layer.output_zero_point = params.output_zero_point
        self.data = &self.layer
        limits = np.iinfo(outputs[0].dtype)
        self.layer.low, self.layer.high = int(limits.min), int(limits.max)
        self.run = run_int8 if inputs[0].dtype == "int8" else run_int16

    cdef Matrix matrix(self, object shape, object batches, object inner_is_first):
        """Steps through an operand whose second last axis is K if `inner_is_first`."""
        cdef Matrix matrix
        rows, columns = shape[-2:]
        matrix.inner_step, matrix.outer_step = (columns, 1) if inner_is_first else (1, columns)
        matrix.count = int(np.prod(shape, dtype=np.int64))
        starts = np.arange(0, matrix.count, rows * columns).reshape(shape[:-2])
        matrix.start = <const Py_ssize_t *> self.hold(np.broadcast_to(starts, batches))
        return matrix

"""SELECT_V2 on the host: three operands, each with the position of its value for each result."""

from libc.stdint cimport int32_t

from qembed._host._kernel cimport Kernel, activation, schar, uchar

import numpy as np


cdef struct Data:
    Py_ssize_t count
    const int32_t *at[3]      # [count]: position in each operand
    Py_ssize_t operand[3]     # elements of each operand, per sample


cdef void choose(
    const Data *layer,
    const uchar *condition,
    const activation *x1,
    const activation *x2,
    activation *y,
    Py_ssize_t batch,
) noexcept nogil:
    cdef Py_ssize_t _sample, i
    for _sample in range(batch):
        for i in range(layer.count):
            y[i] = x1[layer.at[1][i]] if condition[layer.at[0][i]] else x2[layer.at[2][i]]
        condition += layer.operand[0]
        x1 += layer.operand[1]
        x2 += layer.operand[2]
        y += layer.count


cdef void run_int8(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    choose[schar](
        <const Data *> data, <const uchar *> inputs[0], <const schar *> inputs[1],
        <const schar *> inputs[2], <schar *> outputs[0], batch,
    )


cdef void run_int16(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    choose[short](
        <const Data *> data, <const uchar *> inputs[0], <const short *> inputs[1],
        <const short *> inputs[2], <short *> outputs[0], batch,
    )


cdef class SelectKernel(Kernel):
    """See `qembed.ops.select`."""

    cdef Data layer

    def __init__(self, params, inputs, outputs):
        shape = outputs[0].shape
        self.layer.count = int(np.prod(shape, dtype=np.int64))
        for i, operand in enumerate(inputs):
            size = int(np.prod(operand.shape, dtype=np.int64))
            at = np.broadcast_to(np.arange(size, dtype=np.int32).reshape(operand.shape), shape)
            self.layer.at[i] = <const int32_t *> self.hold(at)
            self.layer.operand[i] = size
        self.data = &self.layer
        self.run = run_int8 if inputs[1].dtype == "int8" else run_int16

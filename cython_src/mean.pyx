"""MEAN on the host: add every input value to the sum it belongs to, then scale."""

from libc.stdint cimport int32_t, int64_t

from qembed._host._kernel cimport (
    Kernel,
    Scale,
    Walk,
    activation,
    for_each_row,
    qh_clamp,
    rescale,
    schar,
    set_scale,
    set_walk,
)

import numpy as np


cdef struct Data:
    Walk walk  # operand 1: the input; operand 2: the sums, stride 0 along reduced axes
    int64_t offset  # zero point times the number of values in a sum
    Scale scale
    int32_t output_zero_point
    int32_t low
    int32_t high


cdef void add_row(
    const activation *x, Py_ssize_t step, int64_t *sums, Py_ssize_t sums_step, Py_ssize_t count
) noexcept nogil:
    cdef int64_t total = 0
    cdef Py_ssize_t i
    if sums_step:
        for i in range(count):
            sums[i] += x[i * step]
        return
    for i in range(count):
        total += x[i * step]
    sums[0] += total


cdef void add_row_int8(
    const void *layer, const void *x, Py_ssize_t step, const void *sums, Py_ssize_t sums_step,
    void *_y, Py_ssize_t count
) noexcept nogil:
    add_row[schar](<const schar *> x, step, <int64_t *> sums, sums_step, count)


cdef void add_row_int16(
    const void *layer, const void *x, Py_ssize_t step, const void *sums, Py_ssize_t sums_step,
    void *_y, Py_ssize_t count
) noexcept nogil:
    add_row[short](<const short *> x, step, <int64_t *> sums, sums_step, count)


cdef void average(
    const Data *layer, const activation *x, activation *y, int64_t *sums, Py_ssize_t batch
) noexcept nogil:
    cdef Py_ssize_t _sample, i
    for _sample in range(batch):
        for i in range(layer.walk.count2):
            sums[i] = -layer.offset
        for_each_row(&layer.walk, x, sums, y)
        for i in range(layer.walk.count2):
            y[i] = <activation> qh_clamp(
                rescale(&layer.scale, sums[i]) + layer.output_zero_point,
                layer.low,
                layer.high,
            )
        x += layer.walk.count1
        y += layer.walk.count2


cdef void run_int8(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    average[schar](
        <const Data *> data, <const schar *> inputs[0], <schar *> outputs[0],
        <int64_t *> scratch, batch,
    )


cdef void run_int16(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    average[short](
        <const Data *> data, <const short *> inputs[0], <short *> outputs[0],
        <int64_t *> scratch, batch,
    )


cdef class MeanKernel(Kernel):
    """See `qembed.ops.mean`."""

    cdef Data layer

    def __init__(self, params, inputs, outputs):
        shape = inputs[0].shape
        kept = tuple(1 if axis in params.axes else n for axis, n in enumerate(shape))
        dtype = inputs[0].dtype
        set_walk(&self.layer.walk, (shape, dtype), (kept, "int64"), (shape, dtype))
        self.layer.walk.row = add_row_int8 if dtype == "int8" else add_row_int16
        count = int(np.prod(shape, dtype=np.int64)) // int(np.prod(kept, dtype=np.int64))
        self.layer.offset = count * params.input_zero_point
        set_scale(&self.layer.scale, params.requantization)
        self.layer.output_zero_point = params.output_zero_point
        limits = np.iinfo(inputs[0].dtype)
        self.layer.low, self.layer.high = int(limits.min), int(limits.max)
        self.scratch_bytes = 8 * self.layer.walk.count2
        self.data = &self.layer
        self.run = run_int8 if inputs[0].dtype == "int8" else run_int16

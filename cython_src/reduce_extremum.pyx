"""REDUCE_MAX and REDUCE_MIN on the host."""

from qembed._host._kernel cimport Kernel, Walk, activation, for_each_row, schar, set_walk


cdef struct Data:
    Walk walk  # operand 1: the input; operand 2: the results, stride 0 along reduced axes
    bint largest


cdef void keep_row(
    bint largest, const activation *x, Py_ssize_t step, activation *results,
    Py_ssize_t results_step, Py_ssize_t count
) noexcept nogil:
    cdef activation value
    cdef activation *result
    cdef Py_ssize_t i
    for i in range(count):
        value = x[i * step]
        result = results + i * results_step
        if (value > result[0]) == largest:
            result[0] = value


cdef void keep_row_int8(
    const void *largest, const void *x, Py_ssize_t step, const void *results,
    Py_ssize_t results_step, void *_y, Py_ssize_t count
) noexcept nogil:
    keep_row[schar](
        (<const bint *> largest)[0], <const schar *> x, step, <schar *> results, results_step,
        count,
    )


cdef void keep_row_int16(
    const void *largest, const void *x, Py_ssize_t step, const void *results,
    Py_ssize_t results_step, void *_y, Py_ssize_t count
) noexcept nogil:
    keep_row[short](
        (<const bint *> largest)[0], <const short *> x, step, <short *> results, results_step,
        count,
    )


cdef void reduce(
    const Data *layer, const activation *x, activation *y, Py_ssize_t batch
) noexcept nogil:
    cdef Py_ssize_t _sample, i
    cdef activation lowest = -(1 << (8 * sizeof(activation) - 1))
    cdef activation start = lowest if layer.largest else -1 - lowest
    for _sample in range(batch):
        for i in range(layer.walk.count2):
            y[i] = start
        for_each_row(&layer.walk, x, y, y)
        x += layer.walk.count1
        y += layer.walk.count2


cdef void run_int8(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    reduce[schar](<const Data *> data, <const schar *> inputs[0], <schar *> outputs[0], batch)


cdef void run_int16(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    reduce[short](<const Data *> data, <const short *> inputs[0], <short *> outputs[0], batch)


cdef class ReduceExtremumKernel(Kernel):
    """See `qembed.ops.reduce_extremum`."""

    cdef Data layer

    def __init__(self, params, inputs, outputs):
        shape = inputs[0].shape
        kept = tuple(1 if axis in params.axes else n for axis, n in enumerate(shape))
        dtype = inputs[0].dtype
        set_walk(&self.layer.walk, (shape, dtype), (kept, dtype), (shape, dtype))
        self.layer.walk.row = keep_row_int8 if dtype == "int8" else keep_row_int16
        self.layer.walk.layer = &self.layer.largest
        self.layer.largest = params.largest
        self.data = &self.layer
        self.run = run_int8 if inputs[0].dtype == "int8" else run_int16

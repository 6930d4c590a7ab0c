"""REDUCE_MAX and REDUCE_MIN on the host."""

from qembed._host._kernel cimport Kernel, Walk, activation, next_row, schar, set_walk


cdef struct Data:
    Walk walk  # operand 1: the input; operand 2: the results, stride 0 along reduced axes
    bint largest


cdef void reduce(
    const Data *layer, const activation *x, activation *y, Py_ssize_t batch
) noexcept nogil:
    cdef const Walk *walk = &layer.walk
    cdef Py_ssize_t index[8]
    cdef Py_ssize_t at1, at2, _sample, i
    cdef Py_ssize_t inner = walk.rank - 1
    cdef activation lowest = -(1 << (8 * sizeof(activation) - 1))
    cdef activation start = lowest if layer.largest else -1 - lowest
    cdef activation value
    cdef activation *result
    for _sample in range(batch):
        for i in range(walk.count2):
            y[i] = start
        at1 = at2 = 0
        for i in range(8):
            index[i] = 0
        while True:
            for i in range(walk.size[inner]):
                value = x[at1 + i * walk.stride1[inner]]
                result = y + at2 + i * walk.stride2[inner]
                if (value > result[0]) == layer.largest:
                    result[0] = value
            if not next_row(walk, index, &at1, &at2):
                break
        x += walk.count1
        y += walk.count2


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
        set_walk(&self.layer.walk, shape, kept, shape)
        self.layer.largest = params.largest
        self.data = &self.layer
        self.run = run_int8 if inputs[0].dtype == "int8" else run_int16

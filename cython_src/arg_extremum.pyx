"""ARG_MAX and ARG_MIN on the host."""

from libc.stdint cimport int32_t

from qembed._host._kernel cimport Kernel, schar

import numpy as np


cdef struct Data:
    Py_ssize_t outer  # positions before the axis
    Py_ssize_t size   # of the axis
    Py_ssize_t inner  # positions behind it
    bint largest


cdef void run(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    cdef const Data *layer = <const Data *> data
    cdef const schar *x = <const schar *> inputs[0]
    cdef int32_t *y = <int32_t *> outputs[0]
    cdef Py_ssize_t _outer, inner, i, best
    cdef int value, extreme
    for _outer in range(batch * layer.outer):
        for inner in range(layer.inner):
            best = 0
            extreme = x[inner]
            for i in range(1, layer.size):
                value = x[i * layer.inner + inner]
                if (value > extreme) if layer.largest else (value < extreme):
                    best = i
                    extreme = value
            y[inner] = <int32_t> best
        x += layer.size * layer.inner
        y += layer.inner


cdef class ArgExtremumKernel(Kernel):
    """See `qembed.ops.arg_extremum`."""

    cdef Data layer

    def __init__(self, params, inputs, outputs):
        shape = inputs[0].shape
        self.layer.outer = int(np.prod(shape[: params.axis], dtype=np.int64))
        self.layer.size = shape[params.axis]
        self.layer.inner = int(np.prod(shape[params.axis + 1 :], dtype=np.int64))
        self.layer.largest = params.largest
        self.data = &self.layer
        self.run = run

"""CONCATENATION on the host."""

from libc.string cimport memcpy

from qembed._host._kernel cimport Kernel

import numpy as np


cdef struct Data:
    Py_ssize_t count  # of inputs
    Py_ssize_t rows   # positions before the axis
    const Py_ssize_t *row_bytes  # of each input


cdef void run(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    cdef const Data *layer = <const Data *> data
    cdef char *y = <char *> outputs[0]
    cdef Py_ssize_t row, i, n
    for row in range(batch * layer.rows):
        for i in range(layer.count):
            n = layer.row_bytes[i]
            memcpy(y, <const char *> inputs[i] + row * n, n)
            y += n


cdef class ConcatenationKernel(Kernel):
    """See `qembed.ops.concatenation`."""

    cdef Data layer

    def __init__(self, params, inputs, outputs):
        rows = int(np.prod(inputs[0].shape[: params.axis], dtype=np.int64))
        self.layer.count = len(inputs)
        self.layer.rows = rows
        sizes = np.array([x.nbytes // rows for x in inputs], np.intp)
        self.layer.row_bytes = <const Py_ssize_t *> self.hold(sizes)
        self.data = &self.layer
        self.run = run

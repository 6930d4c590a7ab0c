"""GATHER by positions that are an input, on the host."""

from libc.stdint cimport int32_t
from libc.string cimport memcpy

from qembed._host._kernel cimport Kernel

import numpy as np


cdef struct Data:
    Py_ssize_t batches      # per sample: places with positions of their own
    Py_ssize_t repeats      # of each: places before the axis
    Py_ssize_t size         # of the axis
    Py_ssize_t count        # positions
    Py_ssize_t slice_bytes


cdef void run(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    cdef const Data *layer = <const Data *> data
    cdef const char *x = <const char *> inputs[0]
    cdef const int32_t *positions = <const int32_t *> inputs[1]
    cdef char *y = <char *> outputs[0]
    cdef Py_ssize_t _batch, _repeat, i, at
    for _batch in range(batch * layer.batches):
        for _repeat in range(layer.repeats):
            for i in range(layer.count):
                at = min(max(<Py_ssize_t> positions[i], 0), layer.size - 1)
                memcpy(y, x + at * layer.slice_bytes, layer.slice_bytes)
                y += layer.slice_bytes
            x += layer.size * layer.slice_bytes
        positions += layer.count


cdef class GatherAtKernel(Kernel):
    """See `qembed.ops.gather_at`."""

    cdef Data layer

    def __init__(self, params, inputs, outputs):
        shape, axis, shared = inputs[0].shape, params.axis, params.batch_axes
        self.layer.batches = int(np.prod(shape[:shared], dtype=np.int64))
        self.layer.repeats = int(np.prod(shape[shared:axis], dtype=np.int64))
        self.layer.size = shape[axis]
        self.layer.count = int(np.prod(inputs[1].shape[shared:], dtype=np.int64))
        places = self.layer.batches * self.layer.repeats * self.layer.size
        self.layer.slice_bytes = inputs[0].nbytes // places
        self.data = &self.layer
        self.run = run

"""PAD on the host: fill with the value, then copy the rows of the input into their places."""

from libc.stdint cimport int32_t
from libc.string cimport memcpy

from qembed._host._kernel cimport MAX_RANK, Kernel

import numpy as np


cdef struct Data:
    int rank
    Py_ssize_t size[MAX_RANK]    # of the input
    Py_ssize_t stride[MAX_RANK]  # of the output, in bytes
    Py_ssize_t start             # of the input's first byte in the output
    Py_ssize_t row_bytes
    Py_ssize_t out_bytes
    Py_ssize_t itemsize
    int32_t value


cdef void fill(const Data *layer, char *y) noexcept nogil:
    cdef Py_ssize_t i
    cdef Py_ssize_t n = layer.out_bytes // layer.itemsize
    if layer.itemsize == 1:
        for i in range(n):
            y[i] = <char> layer.value
    elif layer.itemsize == 2:
        for i in range(n):
            (<short *> y)[i] = <short> layer.value
    else:
        for i in range(n):
            (<int32_t *> y)[i] = layer.value


cdef void run(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    cdef const Data *layer = <const Data *> data
    cdef const char *x = <const char *> inputs[0]
    cdef char *y = <char *> outputs[0]
    cdef Py_ssize_t index[MAX_RANK]
    cdef Py_ssize_t _sample, at
    cdef int axis
    for _sample in range(batch):
        fill(layer, y)
        at = layer.start
        for axis in range(layer.rank):
            index[axis] = 0
        axis = 0
        while axis >= 0:
            memcpy(y + at, x, layer.row_bytes)
            x += layer.row_bytes
            axis = layer.rank - 2
            while axis >= 0:
                index[axis] += 1
                at += layer.stride[axis]
                if index[axis] < layer.size[axis]:
                    break
                at -= index[axis] * layer.stride[axis]
                index[axis] = 0
                axis -= 1
        y += layer.out_bytes


cdef class PadKernel(Kernel):
    """See `qembed.ops.pad`."""

    cdef Data layer

    def __init__(self, params, inputs, outputs):
        in_shape, out_shape = inputs[0].shape, outputs[0].shape
        itemsize = np.dtype(inputs[0].dtype).itemsize
        strides = [
            itemsize * int(np.prod(out_shape[axis + 1 :], dtype=np.int64))
            for axis in range(len(out_shape))
        ]
        self.layer.rank = len(in_shape)
        for axis in range(len(in_shape)):
            self.layer.size[axis] = in_shape[axis]
            self.layer.stride[axis] = strides[axis]
        self.layer.start = sum(e[0] * s for e, s in zip(params.padding, strides, strict=True))
        self.layer.row_bytes = in_shape[-1] * itemsize
        self.layer.out_bytes = outputs[0].nbytes
        self.layer.itemsize = itemsize
        self.layer.value = params.value
        self.data = &self.layer
        self.run = run

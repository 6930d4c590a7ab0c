"""Slices on the host."""

from qembed._host._moves cimport MovesKernel


cdef class StridedSliceKernel(MovesKernel):
    """See `qembed.ops.strided_slice`."""

    def __init__(self, params, inputs, outputs):
        positions = [
            [begin + stride * i for i in range(size)]
            for begin, stride, size in zip(params.begin, params.stride, params.size, strict=True)
        ]
        self.plan(inputs[0], positions, range(len(positions)))

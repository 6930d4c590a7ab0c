"""TRANSPOSE on the host."""

from qembed._host._moves cimport MovesKernel


cdef class TransposeKernel(MovesKernel):
    """See `qembed.ops.transpose`."""

    def __init__(self, params, inputs, outputs):
        positions = [range(n) for n in outputs[0].shape]
        self.plan(inputs[0], positions, params.permutation)

"""GATHER on the host."""

from qembed._host._moves cimport MovesKernel


cdef class GatherKernel(MovesKernel):
    """See `qembed.ops.gather`."""

    def __init__(self, params, inputs, outputs):
        positions = [range(n) for n in inputs[0].shape]
        positions[params.axis] = params.indices
        self.plan(inputs[0], positions, range(len(positions)))

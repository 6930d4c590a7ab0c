"""BROADCAST_TO on the host."""

from qembed._host._moves cimport MovesKernel


cdef class BroadcastToKernel(MovesKernel):
    """See `qembed.ops.broadcast_to`."""

    def __init__(self, params, inputs, outputs):
        shape = inputs[0].shape
        missing = len(params.shape) - len(shape)
        axes = [None] * missing + list(range(len(shape)))
        positions = [
            [0] * n if axis is None or shape[axis] == 1 else range(n)
            for n, axis in zip(params.shape, axes, strict=True)
        ]
        self.plan(inputs[0], positions, axes)

"""RESIZE_NEAREST_NEIGHBOR on the host."""

from qembed._host._moves cimport MovesKernel


cdef class ResizeNearestKernel(MovesKernel):
    """See `qembed.ops.resize_nearest`."""

    def __init__(self, params, inputs, outputs):
        images, _, _, channels = inputs[0].shape
        self.plan(
            inputs[0], [range(images), params.rows, params.columns, range(channels)], range(4)
        )

"""MIRROR_PAD on the host."""

from qembed._host._moves cimport MovesKernel


cdef class MirrorPadKernel(MovesKernel):
    """See `qembed.ops.mirror_pad`."""

    def __init__(self, params, inputs, outputs):
        positions = [
            [reflected(i - before, n, params.repeat_edge) for i in range(before + n + after)]
            for n, (before, after) in zip(inputs[0].shape, params.padding, strict=True)
        ]
        self.plan(inputs[0], positions, range(len(positions)))


cdef object reflected(object at, object size, object repeat_edge):
    """Position inside of which `at`, at most one size outside, is the mirror image."""
    edge = 1 if repeat_edge else 0
    if at < 0:
        return -at - edge
    return at if at < size else 2 * (size - 1) - at + edge

"""What operators share that only move values: each axis of the output picks from the input."""

from libc.string cimport memcpy

from qembed._host._kernel cimport MAX_RANK, Kernel

import numpy as np


cdef void run(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    cdef const Moves *moves = <const Moves *> data
    cdef const char *x = <const char *> inputs[0]
    cdef char *y = <char *> outputs[0]
    cdef Py_ssize_t index[MAX_RANK]
    cdef Py_ssize_t _sample, at
    cdef int axis
    for _sample in range(batch):
        at = 0
        for axis in range(moves.rank):
            index[axis] = 0
            at += moves.offset[axis][0]
        axis = 0
        while axis >= 0:
            memcpy(y, x + at, moves.run_bytes)
            y += moves.run_bytes
            axis = moves.rank - 1
            while axis >= 0:
                at -= moves.offset[axis][index[axis]]
                index[axis] += 1
                if index[axis] < moves.size[axis]:
                    at += moves.offset[axis][index[axis]]
                    break
                index[axis] = 0
                at += moves.offset[axis][0]
                axis -= 1
        x += moves.in_bytes


cdef class MovesKernel(Kernel):
    """A kernel whose constructor calls `plan`."""

    cdef int plan(self, object tensor, object positions, object axes) except -1:
        """Prepare the copy.

        Axis i of the output takes the values at `positions[i]` on axis `axes[i]` of the input
        `tensor`; None stands for an axis of the output that the input does not have.
        """
        itemsize = np.dtype(tensor.dtype).itemsize
        shape = tensor.shape
        strides = [
            itemsize * int(np.prod(shape[axis + 1 :], dtype=np.int64)) for axis in range(len(shape))
        ]
        offsets = [
            np.asarray(places, np.intp) * (0 if axis is None else strides[axis])
            for places, axis in zip(positions, axes, strict=True)
        ]
        # Innermost axes that are taken whole and in order are one run of bytes.
        run_bytes = itemsize
        while offsets and np.array_equal(offsets[-1], np.arange(len(offsets[-1])) * run_bytes):
            run_bytes *= len(offsets.pop())
        self.moves.rank = len(offsets)
        for axis, places in enumerate(offsets):
            self.moves.size[axis] = len(places)
            self.moves.offset[axis] = <const Py_ssize_t *> self.hold(places)
        self.moves.run_bytes = run_bytes
        self.moves.in_bytes = tensor.nbytes
        self.data = &self.moves
        self.run = run
        return 0

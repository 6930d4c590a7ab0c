"""TRANSPOSE_CONV on the host: the sums of one image side by side, filled pixel by pixel."""

from libc.stdint cimport int64_t

from qembed._host._kernel cimport Kernel, activation, dot, qh_epilogue, qh_finish, schar

import numpy as np


cdef struct Data:
    qh_epilogue epilogue  # its bias without the zero point: how many pixels meet is not constant
    const schar *weights         # [kernel row][kernel column][output][input]
    const int64_t *corrections   # [kernel row][kernel column][output]: zero point * sum of weights
    Py_ssize_t images, height, width, channels
    Py_ssize_t out_height, out_width, out_channels
    Py_ssize_t kernel_height, kernel_width
    Py_ssize_t stride_y, stride_x, top, left


cdef void spread(
    const Data *layer, const activation *x, int64_t *sums, Py_ssize_t oy, Py_ssize_t ox
) noexcept nogil:
    # Add what one input pixel contributes to the window that begins at (oy, ox).
    cdef Py_ssize_t ky, kx, channel, tap
    cdef int64_t *at
    for ky in range(layer.kernel_height):
        if not 0 <= oy + ky < layer.out_height:
            continue
        for kx in range(layer.kernel_width):
            if not 0 <= ox + kx < layer.out_width:
                continue
            at = sums + ((oy + ky) * layer.out_width + ox + kx) * layer.out_channels
            tap = (ky * layer.kernel_width + kx) * layer.out_channels
            for channel in range(layer.out_channels):
                at[channel] += (
                    dot(
                        x,
                        layer.weights + (tap + channel) * layer.channels,
                        layer.channels,
                        False,
                    )
                    - layer.corrections[tap + channel]
                )


cdef void convolve(
    const Data *layer, const activation *x, activation *y, int64_t *sums, Py_ssize_t batch
) noexcept nogil:
    cdef Py_ssize_t count = layer.out_height * layer.out_width * layer.out_channels
    cdef Py_ssize_t _image, iy, ix, i
    for _image in range(batch * layer.images):
        for i in range(count):
            sums[i] = 0
        for iy in range(layer.height):
            for ix in range(layer.width):
                spread(
                    layer,
                    x,
                    sums,
                    iy * layer.stride_y - layer.top,
                    ix * layer.stride_x - layer.left,
                )
                x += layer.channels
        for i in range(count):
            y[i] = <activation> qh_finish(&layer.epilogue, i % layer.out_channels, sums[i])
        y += count


cdef void run_int8(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    convolve[schar](
        <const Data *> data, <const schar *> inputs[0], <schar *> outputs[0],
        <int64_t *> scratch, batch,
    )


cdef void run_int16(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    convolve[short](
        <const Data *> data, <const short *> inputs[0], <short *> outputs[0],
        <int64_t *> scratch, batch,
    )


cdef class TransposeConvKernel(Kernel):
    """See `qembed.ops.transpose_conv`."""

    cdef Data layer

    def __init__(self, params, inputs, outputs):
        weights = np.ascontiguousarray(params.weights.transpose(1, 2, 0, 3))
        sums = weights.astype(np.int64).sum(axis=3)
        self.set_epilogue(&self.layer.epilogue, params, np.zeros(sums.shape[2], np.int64))
        self.layer.weights = <const schar *> self.hold(weights)
        self.layer.corrections = <const int64_t *> self.hold(sums * params.input_zero_point)
        self.layer.images, self.layer.height, self.layer.width, self.layer.channels = inputs[
            0
        ].shape
        self.layer.out_height, self.layer.out_width, self.layer.out_channels = outputs[0].shape[1:]
        self.layer.kernel_height, self.layer.kernel_width = weights.shape[:2]
        self.layer.stride_y, self.layer.stride_x = params.stride
        self.layer.top, self.layer.left = params.offset
        self.scratch_bytes = 8 * int(np.prod(outputs[0].shape[1:], dtype=np.int64))
        self.data = &self.layer
        self.run = run_int8 if inputs[0].dtype == "int8" else run_int16

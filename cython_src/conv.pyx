"""CONV_2D on the host: gather the window of a pixel, then one dot product a channel."""

from libc.stdint cimport int32_t
from libc.string cimport memcpy

from qembed._host._kernel cimport (
    Kernel,
    Window,
    activation,
    dot,
    int32_is_enough,
    qh_epilogue,
    qh_finish,
    schar,
    set_window,
)
from qembed._host._simd cimport pack_conv, qh_sums

import numpy as np


cdef struct Data:
    Window window
    qh_epilogue epilogue
    const schar *weights  # [out channel][kernel row][kernel column][in channel]
    Py_ssize_t groups
    Py_ssize_t group_inputs
    Py_ssize_t out_channels
    int32_t input_zero_point
    bint narrow


cdef void gather(
    const Data *layer, const activation *image, Py_ssize_t y, Py_ssize_t x, activation *patch
) noexcept nogil:
    """Copy the window of output pixel (y, x), one group of channels after the other."""
    cdef const Window *w = &layer.window
    cdef Py_ssize_t group, ky, kx, iy, ix, i
    cdef Py_ssize_t n = layer.group_inputs
    for group in range(layer.groups):
        for ky in range(w.kernel_height):
            iy = y * w.stride_y + ky * w.dilation_y - w.top
            for kx in range(w.kernel_width):
                ix = x * w.stride_x + kx * w.dilation_x - w.left
                if 0 <= iy < w.height and 0 <= ix < w.width:
                    memcpy(
                        patch,
                        image + (iy * w.width + ix) * w.channels + group * n,
                        n * sizeof(activation),
                    )
                else:
                    for i in range(n):
                        patch[i] = <activation> layer.input_zero_point
                patch += n


cdef void convolve(
    const Data *layer, const activation *x, activation *y, activation *patch, Py_ssize_t batch
) noexcept nogil:
    cdef const Window *w = &layer.window
    cdef Py_ssize_t size = w.kernel_height * w.kernel_width * layer.group_inputs
    cdef Py_ssize_t group_outputs = layer.out_channels // layer.groups
    cdef Py_ssize_t _image, oy, ox, channel
    for _image in range(batch * w.images):
        for oy in range(w.out_height):
            for ox in range(w.out_width):
                gather(layer, x, oy, ox, patch)
                for channel in range(layer.out_channels):
                    y[channel] = <activation> qh_finish(
                        &layer.epilogue,
                        channel,
                        dot(
                            patch + channel // group_outputs * size,
                            layer.weights + channel * size,
                            size,
                            layer.narrow,
                        ),
                    )
                y += layer.out_channels
        x += w.height * w.width * w.channels


cdef void run_int8(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    convolve[schar](
        <const Data *> data, <const schar *> inputs[0], <schar *> outputs[0],
        <schar *> scratch, batch,
    )


cdef void run_int16(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    convolve[short](
        <const Data *> data, <const short *> inputs[0], <short *> outputs[0],
        <short *> scratch, batch,
    )


cdef class ConvKernel(Kernel):
    """See `qembed.ops.conv`."""

    cdef Data layer
    cdef qh_sums vectorized

    def __init__(self, params, inputs, outputs):
        weights = params.weights
        in_shape, out_shape = inputs[0].shape, outputs[0].shape
        if pack_conv(
            self, &self.vectorized, params, weights, inputs[0].dtype, in_shape, out_shape
        ):
            return
        set_window(&self.layer.window, params, in_shape, out_shape, weights.shape[1:3])
        sums = weights.astype(np.int64).sum(axis=(1, 2, 3))
        self.set_epilogue(&self.layer.epilogue, params, sums)
        self.layer.weights = <const schar *> self.hold(weights)
        self.layer.group_inputs = weights.shape[3]
        self.layer.groups = in_shape[3] // weights.shape[3]
        self.layer.out_channels = weights.shape[0]
        self.layer.input_zero_point = params.input_zero_point
        self.layer.narrow = int32_is_enough(weights.reshape(len(weights), -1), inputs[0].dtype)
        itemsize = np.dtype(inputs[0].dtype).itemsize
        self.scratch_bytes = weights[0].size * self.layer.groups * itemsize
        self.data = &self.layer
        self.run = run_int8 if inputs[0].dtype == "int8" else run_int16

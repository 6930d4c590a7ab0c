"""DEPTHWISE_CONV_2D on the host: all channels of a pixel side by side, one tap after the other."""

from libc.stdint cimport int32_t, int64_t

from qembed._host._kernel cimport (
    Kernel,
    Window,
    activation,
    int32_is_enough,
    qh_epilogue,
    qh_finish,
    schar,
    set_window,
)
from qembed._host._simd cimport pack_conv, pack_depthwise, qh_depthwise, qh_sums

import numpy as np

ctypedef fused accumulator:
    int32_t
    int64_t


cdef struct Data:
    Window window
    qh_epilogue epilogue
    const schar *weights  # [kernel row][kernel column][out channel]
    Py_ssize_t out_channels
    Py_ssize_t multiplier  # out channels an input channel
    int32_t input_zero_point


cdef inline void add_tap(
    const activation *x, const schar *w, accumulator *sums, Py_ssize_t channels, Py_ssize_t repeat
) noexcept nogil:
    cdef Py_ssize_t channel, j
    if repeat == 1:
        for channel in range(channels):
            sums[channel] += <accumulator> x[channel] * <accumulator> w[channel]
        return
    for channel in range(channels // repeat):
        for j in range(repeat):
            sums[j] += <accumulator> x[channel] * <accumulator> w[j]
        sums += repeat
        w += repeat


cdef inline void add_padding(
    int32_t value, const schar *w, accumulator *sums, Py_ssize_t channels
) noexcept nogil:
    cdef Py_ssize_t channel
    for channel in range(channels):
        sums[channel] += <accumulator> value * <accumulator> w[channel]


cdef void filter_all(
    const Data *layer, const activation *x, activation *y, accumulator *sums, Py_ssize_t batch
) noexcept nogil:
    cdef const Window *w = &layer.window
    cdef Py_ssize_t _image, oy, ox, ky, kx, iy, ix, channel
    cdef Py_ssize_t n = layer.out_channels
    cdef const schar *taps
    for _image in range(batch * w.images):
        for oy in range(w.out_height):
            for ox in range(w.out_width):
                for channel in range(n):
                    sums[channel] = 0
                taps = layer.weights
                for ky in range(w.kernel_height):
                    iy = oy * w.stride_y + ky * w.dilation_y - w.top
                    for kx in range(w.kernel_width):
                        ix = ox * w.stride_x + kx * w.dilation_x - w.left
                        if 0 <= iy < w.height and 0 <= ix < w.width:
                            add_tap(
                                x + (iy * w.width + ix) * w.channels,
                                taps, sums, n, layer.multiplier,
                            )
                        else:
                            add_padding(layer.input_zero_point, taps, sums, n)
                        taps += n
                for channel in range(n):
                    y[channel] = <activation> qh_finish(&layer.epilogue, channel, sums[channel])
                y += n
        x += w.height * w.width * w.channels


cdef void run_int8_narrow(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    filter_all[schar, int32_t](
        <const Data *> data, <const schar *> inputs[0], <schar *> outputs[0],
        <int32_t *> scratch, batch,
    )


cdef void run_int8_wide(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    filter_all[schar, int64_t](
        <const Data *> data, <const schar *> inputs[0], <schar *> outputs[0],
        <int64_t *> scratch, batch,
    )


cdef void run_int16_narrow(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    filter_all[short, int32_t](
        <const Data *> data, <const short *> inputs[0], <short *> outputs[0],
        <int32_t *> scratch, batch,
    )


cdef void run_int16_wide(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    filter_all[short, int64_t](
        <const Data *> data, <const short *> inputs[0], <short *> outputs[0],
        <int64_t *> scratch, batch,
    )


cdef class DepthwiseConvKernel(Kernel):
    """See `qembed.ops.depthwise_conv`."""

    cdef Data layer
    cdef qh_depthwise vectorized
    cdef qh_sums of_one_channel

    def __init__(self, params, inputs, outputs):
        weights = params.weights
        in_shape, out_shape, dtype = inputs[0].shape, outputs[0].shape, inputs[0].dtype
        if in_shape[3] == 1:  # then it is a convolution
            as_conv = weights.transpose(2, 0, 1)[:, :, :, None]
            packed = pack_conv(
                self, &self.of_one_channel, params, as_conv, dtype, in_shape, out_shape
            )
        else:
            packed = pack_depthwise(self, &self.vectorized, params, dtype, in_shape, out_shape)
        if packed:
            return
        set_window(&self.layer.window, params, in_shape, out_shape, weights.shape[:2])
        self.set_epilogue(
            &self.layer.epilogue, params, weights.astype(np.int64).sum(axis=(0, 1))
        )
        self.layer.weights = <const schar *> self.hold(weights)
        self.layer.out_channels = weights.shape[2]
        self.layer.multiplier = weights.shape[2] // in_shape[3]
        self.layer.input_zero_point = params.input_zero_point
        self.scratch_bytes = 8 * weights.shape[2]
        self.data = &self.layer
        narrow = int32_is_enough(weights.reshape(-1, weights.shape[2]).T, inputs[0].dtype)
        if inputs[0].dtype == "int8":
            self.run = run_int8_narrow if narrow else run_int8_wide
        else:
            self.run = run_int16_narrow if narrow else run_int16_wide

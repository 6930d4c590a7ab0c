"""MAX_POOL_2D on the host."""

from libc.stdint cimport int32_t

from qembed._host._kernel cimport Kernel, Window, activation, schar, set_window
from qembed._host._simd cimport pack_pool, qh_pool


cdef struct Data:
    Window window
    int32_t low
    int32_t high


cdef void pool(
    const Data *layer, const activation *x, activation *y, Py_ssize_t batch
) noexcept nogil:
    cdef const Window *w = &layer.window
    cdef Py_ssize_t _image, oy, ox, iy, ix, channel, top, bottom, left, right
    cdef Py_ssize_t n = w.channels
    cdef const activation *pixel
    for _image in range(batch * w.images):
        for oy in range(w.out_height):
            top = max(oy * w.stride_y - w.top, 0)
            bottom = min(oy * w.stride_y - w.top + w.kernel_height, w.height)
            for ox in range(w.out_width):
                left = max(ox * w.stride_x - w.left, 0)
                right = min(ox * w.stride_x - w.left + w.kernel_width, w.width)
                # The lower clamp is the neutral start: what is below it becomes it anyway.
                for channel in range(n):
                    y[channel] = <activation> layer.low
                for iy in range(top, bottom):
                    for ix in range(left, right):
                        pixel = x + (iy * w.width + ix) * n
                        for channel in range(n):
                            y[channel] = max(y[channel], pixel[channel])
                for channel in range(n):
                    y[channel] = <activation> min(<int32_t> y[channel], layer.high)
                y += n
        x += w.height * w.width * n


cdef void run_int8(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    pool[schar](<const Data *> data, <const schar *> inputs[0], <schar *> outputs[0], batch)


cdef void run_int16(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    pool[short](<const Data *> data, <const short *> inputs[0], <short *> outputs[0], batch)


cdef class MaxPoolKernel(Kernel):
    """See `qembed.ops.max_pool`."""

    cdef Data layer
    cdef qh_pool vectorized

    def __init__(self, params, inputs, outputs):
        in_shape, out_shape = inputs[0].shape, outputs[0].shape
        if pack_pool(self, &self.vectorized, params, inputs[0], outputs[0], True):
            return
        set_window(&self.layer.window, params, in_shape, out_shape, params.window)
        self.layer.low, self.layer.high = params.activation_range
        self.data = &self.layer
        self.run = run_int8 if inputs[0].dtype == "int8" else run_int16

"""AVERAGE_POOL_2D on the host."""

from libc.stdint cimport int32_t, int64_t

from qembed._host._kernel cimport Kernel, Window, activation, qh_clamp, schar, set_window
from qembed._host._simd cimport pack_pool, qh_pool


cdef struct Data:
    Window window
    int32_t low
    int32_t high


cdef void pool(
    const Data *layer, const activation *x, activation *y, int64_t *sums, Py_ssize_t batch
) noexcept nogil:
    cdef const Window *w = &layer.window
    cdef Py_ssize_t _image, oy, ox, iy, ix, channel, top, bottom, left, right
    cdef Py_ssize_t n = w.channels
    cdef int64_t count, half
    cdef const activation *pixel
    for _image in range(batch * w.images):
        for oy in range(w.out_height):
            top = max(oy * w.stride_y - w.top, 0)
            bottom = min(oy * w.stride_y - w.top + w.kernel_height, w.height)
            for ox in range(w.out_width):
                left = max(ox * w.stride_x - w.left, 0)
                right = min(ox * w.stride_x - w.left + w.kernel_width, w.width)
                for channel in range(n):
                    sums[channel] = 0
                for iy in range(top, bottom):
                    for ix in range(left, right):
                        pixel = x + (iy * w.width + ix) * n
                        for channel in range(n):
                            sums[channel] += pixel[channel]
                count = (bottom - top) * (right - left)
                half = count // 2
                for channel in range(n):
                    # C division truncates: with the half added it rounds ties away from zero.
                    y[channel] = <activation> qh_clamp(
                        (sums[channel] + (half if sums[channel] > 0 else -half)) // count,
                        layer.low,
                        layer.high,
                    )
                y += n
        x += w.height * w.width * n


cdef void run_int8(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    pool[schar](
        <const Data *> data, <const schar *> inputs[0], <schar *> outputs[0],
        <int64_t *> scratch, batch,
    )


cdef void run_int16(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    pool[short](
        <const Data *> data, <const short *> inputs[0], <short *> outputs[0],
        <int64_t *> scratch, batch,
    )


cdef class AveragePoolKernel(Kernel):
    """See `qembed.ops.average_pool`."""

    cdef Data layer
    cdef qh_pool vectorized

    def __init__(self, params, inputs, outputs):
        in_shape, out_shape = inputs[0].shape, outputs[0].shape
        self.scratch_bytes = 8 * in_shape[3]
        if pack_pool(self, &self.vectorized, params, inputs[0], outputs[0], False):
            return
        set_window(&self.layer.window, params, in_shape, out_shape, params.window)
        self.layer.low, self.layer.high = params.activation_range
        self.data = &self.layer
        self.run = run_int8 if inputs[0].dtype == "int8" else run_int16

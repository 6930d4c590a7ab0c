"""DynamicQuantizeLinear on the host."""

from libc.math cimport fmaxf, fminf, rintf

from qembed._host._kernel cimport Kernel, schar

import numpy as np


cdef struct Data:
    Py_ssize_t count


cdef inline float bounded(float x, float low, float high) noexcept nogil:
    """Clamp; what is not a number becomes `low`."""
    return fminf(fmaxf(x, low), high)


cdef void run(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    cdef Py_ssize_t count = (<const Data *> data).count
    cdef const float *x = <const float *> inputs[0]
    cdef schar *y = <schar *> outputs[0]
    cdef float *scales = <float *> outputs[1]
    cdef schar *zero_points = <schar *> outputs[2]
    cdef float low, high, scale, zero_point
    cdef Py_ssize_t sample, i
    for sample in range(batch):
        low = high = 0
        for i in range(count):
            low = fminf(low, x[i])
            high = fmaxf(high, x[i])
        scale = (high - low) / 255 if high != low else 1
        zero_point = bounded(rintf(0 - low / scale), 0, 255)
        for i in range(count):
            y[i] = <schar> (
                bounded(bounded(rintf(x[i] / scale), -512, 512) + zero_point, 0, 255) - 128
            )
        scales[sample] = scale
        zero_points[sample] = <schar> (zero_point - 128)
        x += count
        y += count


cdef class DynamicQuantizeKernel(Kernel):
    """See `qembed.ops.dynamic_quantize`."""

    cdef Data layer

    def __init__(self, params, inputs, outputs):
        self.layer.count = int(np.prod(inputs[0].shape, dtype=np.int64))
        self.data = &self.layer
        self.run = run

"""PRELU on the host."""

from libc.stdint cimport int32_t, int64_t

from qembed._host._kernel cimport (
    Kernel,
    Scale,
    activation,
    qh_clamp,
    rescale,
    schar,
    set_scale,
)

import numpy as np


cdef struct Data:
    Py_ssize_t count
    const short *alpha  # [count]: repeated to the input's shape
    Scale positive
    Scale negative
    int32_t input_zero_point
    int32_t output_zero_point
    int32_t low
    int32_t high


cdef void apply(
    const Data *layer, const activation *x, activation *y, Py_ssize_t batch
) noexcept nogil:
    cdef Py_ssize_t _sample, i
    cdef int64_t real
    for _sample in range(batch):
        for i in range(layer.count):
            real = <int64_t> x[i] - layer.input_zero_point
            if real >= 0:
                real = rescale(&layer.positive, real)
            else:
                real = rescale(&layer.negative, real * layer.alpha[i])
            y[i] = <activation> qh_clamp(real + layer.output_zero_point, layer.low, layer.high)
        x += layer.count
        y += layer.count


cdef void run_int8(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    apply[schar](<const Data *> data, <const schar *> inputs[0], <schar *> outputs[0], batch)


cdef void run_int16(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    apply[short](<const Data *> data, <const short *> inputs[0], <short *> outputs[0], batch)


cdef class PreluKernel(Kernel):
    """See `qembed.ops.prelu`."""

    cdef Data layer

    def __init__(self, params, inputs, outputs):
        shape = inputs[0].shape
        self.layer.count = int(np.prod(shape, dtype=np.int64))
        self.layer.alpha = <const short *> self.hold(np.broadcast_to(params.alpha, shape))
        set_scale(&self.layer.positive, params.positive)
        set_scale(&self.layer.negative, params.negative)
        self.layer.input_zero_point = params.input_zero_point
        self.layer.output_zero_point = params.output_zero_point
        limits = np.iinfo(inputs[0].dtype)
        self.layer.low, self.layer.high = int(limits.min), int(limits.max)
        self.data = &self.layer
        self.run = run_int8 if inputs[0].dtype == "int8" else run_int16

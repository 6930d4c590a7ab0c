"""SOFTMAX of int16 on the host."""

from libc.stdint cimport int32_t, int64_t

from qembed._host._kernel cimport Kernel, Scale, qh_clamp, rescale, set_scale

import numpy as np

cdef extern from "fixed_point.h" nogil:
    int qh_leading_zeros(unsigned int x)


cdef struct Data:
    Py_ssize_t rows  # per sample
    Py_ssize_t classes
    Scale scale
    const short *exps         # [513]
    const short *reciprocals  # [513]


cdef inline int32_t interpolate(const short *table, int64_t x) noexcept nogil:
    # Table over the int16 range: 512 intervals of 128.
    cdef int32_t at = qh_clamp(x, -32768, 32767)
    cdef const short *entry = table + 256 + (at >> 7)
    return entry[0] + (((entry[1] - entry[0]) * (at & 127) + 64) >> 7)


cdef inline int32_t exp_of(const Data *layer, int32_t x, int32_t largest) noexcept nogil:
    return interpolate(layer.exps, rescale(&layer.scale, x - largest) + 32767)


cdef void softmax_row(const Data *layer, const short *x, short *y) noexcept nogil:
    cdef int32_t largest = -32768
    cdef int64_t total = 0
    cdef int64_t normal, reciprocal
    cdef int zeros
    cdef Py_ssize_t i
    for i in range(layer.classes):
        largest = max(largest, <int32_t> x[i])
    for i in range(layer.classes):
        total += exp_of(layer, x[i], largest)
    zeros = qh_leading_zeros(<unsigned int> total)
    normal = ((total << (zeros - 1)) + (1 << 13)) >> 14
    reciprocal = interpolate(layer.reciprocals, normal - (1 << 15) - (1 << 16))
    for i in range(layer.classes):
        y[i] = <short> qh_clamp(
            (exp_of(layer, x[i], largest) * reciprocal + ((<int64_t> 1 << (31 - zeros)) >> 1))
            >> (31 - zeros),
            0,
            32767,
        )


cdef void run(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    cdef const Data *layer = <const Data *> data
    cdef Py_ssize_t row
    for row in range(batch * layer.rows):
        softmax_row(
            layer,
            <const short *> inputs[0] + row * layer.classes,
            <short *> outputs[0] + row * layer.classes,
        )


cdef class SoftmaxInt16Kernel(Kernel):
    """See `qembed.ops.softmax_int16`."""

    cdef Data layer

    def __init__(self, params, inputs, outputs):
        shape = inputs[0].shape
        self.layer.classes = shape[-1]
        self.layer.rows = int(np.prod(shape[:-1], dtype=np.int64))
        set_scale(&self.layer.scale, params.requantization)
        self.layer.exps = <const short *> self.hold(params.exp_table)
        self.layer.reciprocals = <const short *> self.hold(params.reciprocal_table)
        self.data = &self.layer
        self.run = run

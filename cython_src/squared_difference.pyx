"""SQUARED_DIFFERENCE on the host."""

from libc.stdint cimport int32_t, int64_t

from qembed._host._kernel cimport (
    Kernel,
    Scale,
    Walk,
    activation,
    plan_pairs,
    qh_clamp,
    rescale,
    row_t,
    schar,
    set_scale,
)

import numpy as np


cdef struct Data:
    Scale scale1
    Scale scale2
    Scale output_scale
    int32_t left_shift
    int32_t zero_point1
    int32_t zero_point2
    int32_t output_zero_point
    int32_t low
    int32_t high


cdef inline int32_t square(const Data *layer, int64_t x1, int64_t x2) noexcept nogil:
    cdef int64_t raise_by = <int64_t> 1 << layer.left_shift
    cdef int64_t one = rescale(&layer.scale1, (x1 - layer.zero_point1) * raise_by)
    cdef int64_t two = rescale(&layer.scale2, (x2 - layer.zero_point2) * raise_by)
    return qh_clamp(
        rescale(&layer.output_scale, (one - two) * (one - two)) + layer.output_zero_point,
        layer.low,
        layer.high,
    )


cdef void square_row(
    const Data *layer, const activation *x1, Py_ssize_t step1, const activation *x2,
    Py_ssize_t step2, activation *y, Py_ssize_t count
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(count):
        y[i] = <activation> square(layer, x1[i * step1], x2[i * step2])


cdef void row_int8(
    const void *layer, const void *x1, Py_ssize_t step1, const void *x2, Py_ssize_t step2, void *y,
    Py_ssize_t count
) noexcept nogil:
    square_row[schar](
        <const Data *> layer, <const schar *> x1, step1, <const schar *> x2, step2,
        <schar *> y, count
    )


cdef void row_int16(
    const void *layer, const void *x1, Py_ssize_t step1, const void *x2, Py_ssize_t step2, void *y,
    Py_ssize_t count
) noexcept nogil:
    square_row[short](
        <const Data *> layer, <const short *> x1, step1, <const short *> x2, step2,
        <short *> y, count
    )


cdef class SquaredDifferenceKernel(Kernel):
    """See `qembed.ops.squared_difference`."""

    cdef Walk walk
    cdef Data layer

    def __init__(self, params, inputs, outputs):
        set_scale(&self.layer.scale1, params.requantization1)
        set_scale(&self.layer.scale2, params.requantization2)
        set_scale(&self.layer.output_scale, params.output_requantization)
        self.layer.left_shift = params.left_shift
        self.layer.zero_point1 = params.input1_zero_point
        self.layer.zero_point2 = params.input2_zero_point
        self.layer.output_zero_point = params.output_zero_point
        limits = np.iinfo(inputs[0].dtype)
        self.layer.low, self.layer.high = int(limits.min), int(limits.max)
        cdef row_t row = row_int8 if inputs[0].dtype == "int8" else row_int16
        plan_pairs(self, &self.walk, row, &self.layer, inputs, outputs[0])

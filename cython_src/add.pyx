"""ADD and SUB on the host."""

cimport numpy as np
from libc.stdint cimport int32_t, int64_t

from qembed._host._kernel cimport (
    Kernel,
    Walk,
    activation,
    plan_pairs,
    qh_clamp,
    qh_requantize,
    rounding_code,
    row_t,
    schar,
)
from qembed._host._simd cimport chosen_isa, prove_add, qh_add, qh_isa

import numpy as np

np.import_array()


cdef struct Scale:
    int32_t multiplier
    int32_t shift
    int rounding


cdef struct Data:
    Scale scale1
    Scale scale2
    Scale output_scale
    int32_t zero_point1
    int32_t zero_point2
    int32_t output_zero_point
    int32_t left_shift
    int32_t sign                # of the second input: -1 where it is subtracted
    int32_t sum_multiplier1     # with sum_shift > 0: one sum, rounded once
    int32_t sum_multiplier2
    int32_t sum_shift
    int32_t low
    int32_t high
    int64_t scaled1[256]  # of int8 inputs, by value + 128
    int64_t scaled2[256]


cdef inline int64_t apply(const Scale *by, int64_t value) noexcept nogil:
    return qh_requantize(value, by.multiplier, by.shift, by.rounding)


cdef inline int64_t scale_first(const Data *layer, int64_t x) noexcept nogil:
    x -= layer.zero_point1
    if layer.sum_shift:
        return x * layer.sum_multiplier1
    return apply(&layer.scale1, x * (<int64_t> 1 << layer.left_shift))


cdef inline int64_t scale_second(const Data *layer, int64_t x) noexcept nogil:
    x -= layer.zero_point2
    if layer.sum_shift:
        return layer.sign * x * layer.sum_multiplier2
    return layer.sign * apply(&layer.scale2, x * (<int64_t> 1 << layer.left_shift))


cdef inline int32_t finish(const Data *layer, int64_t total) noexcept nogil:
    if layer.sum_shift:
        total = (total + (<int64_t> 1 << (layer.sum_shift - 1))) >> layer.sum_shift
    else:
        total = apply(&layer.output_scale, total)
    return qh_clamp(total + layer.output_zero_point, layer.low, layer.high)


cdef inline int32_t add_pair(
    const Data *layer, activation x1, activation x2
) noexcept nogil:
    if activation is schar:
        return finish(layer, layer.scaled1[x1 + 128] + layer.scaled2[x2 + 128])
    else:
        return finish(layer, scale_first(layer, x1) + scale_second(layer, x2))


cdef void add_row(
    const Data *layer, const activation *x1, Py_ssize_t step1, const activation *x2,
    Py_ssize_t step2, activation *y, Py_ssize_t count
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(count):
        y[i] = <activation> add_pair(layer, x1[i * step1], x2[i * step2])


cdef void row_int8(
    const void *layer, const void *x1, Py_ssize_t step1, const void *x2, Py_ssize_t step2, void *y,
    Py_ssize_t count
) noexcept nogil:
    add_row[schar](
        <const Data *> layer, <const schar *> x1, step1, <const schar *> x2, step2,
        <schar *> y, count
    )


cdef void row_int16(
    const void *layer, const void *x1, Py_ssize_t step1, const void *x2, Py_ssize_t step2, void *y,
    Py_ssize_t count
) noexcept nogil:
    add_row[short](
        <const Data *> layer, <const short *> x1, step1, <const short *> x2, step2,
        <short *> y, count
    )


cdef Scale scale_of(object by):
    cdef Scale scale
    scale.multiplier = by.multiplier[0]
    scale.shift = by.shift[0]
    scale.rounding = rounding_code(by.rounding)
    return scale


cdef double real(const Data *layer):
    """Output steps in a step of the sum."""
    if layer.sum_shift:
        return 2.0 ** -layer.sum_shift
    return layer.output_scale.multiplier * 2.0 ** (layer.output_scale.shift - 31)


cdef class AddKernel(Kernel):
    """See `qembed.ops.add`."""

    cdef Walk walk
    cdef Data layer
    cdef qh_add vectorized

    def __init__(self, params, inputs, outputs):
        cdef const qh_isa *isa = chosen_isa()
        cdef row_t row = row_int8 if inputs[0].dtype == "int8" else row_int16
        cdef const void *layer = &self.layer
        self.layer.scale1 = scale_of(params.requantization1)
        self.layer.scale2 = scale_of(params.requantization2)
        self.layer.output_scale = scale_of(params.output_requantization)
        self.layer.zero_point1 = params.input1_zero_point
        self.layer.zero_point2 = params.input2_zero_point
        self.layer.output_zero_point = params.output_zero_point
        self.layer.left_shift = params.left_shift
        self.layer.sign = -1 if params.subtract else 1
        self.layer.sum_shift = 0
        if params.sum_scale is not None:
            self.layer.sum_multiplier1 = params.sum_scale.multiplier1
            self.layer.sum_multiplier2 = params.sum_scale.multiplier2
            self.layer.sum_shift = params.sum_scale.shift
        self.layer.low, self.layer.high = params.activation_range
        if inputs[0].dtype == "int8":
            self._scale_all_inputs()
            if isa != NULL and self._find_line():
                row, layer = isa.add, &self.vectorized
                self.packed = "add", <size_t> layer, sizeof(self.vectorized)
        plan_pairs(self, &self.walk, row, layer, inputs, outputs[0])

    cdef _scale_all_inputs(self):
        cdef int x
        cdef Data *layer = &self.layer
        for x in range(-128, 128):
            layer.scaled1[x + 128] = scale_first(layer, x)
            layer.scaled2[x + 128] = scale_second(layer, x)

    cdef bint _find_line(self):
        """Look for a float form that is right for all 65536 pairs of inputs."""
        cdef np.ndarray table = np.empty((256, 256), np.int8)
        cdef schar *sums = <schar *> np.PyArray_DATA(table)
        cdef int x1, x2
        cdef float line[3]
        for x1 in range(-128, 128):
            for x2 in range(-128, 128):
                sums[(x1 + 128) * 256 + x2 + 128] = <schar> add_pair[schar](&self.layer, x1, x2)
        # Slopes between the ends are near enough to start from.
        to_output = real(&self.layer)
        line[0] = (self.layer.scaled1[255] - self.layer.scaled1[0]) / 255.0 * to_output
        line[1] = (self.layer.scaled2[255] - self.layer.scaled2[0]) / 255.0 * to_output
        line[2] = (
            self.layer.output_zero_point
            - line[0] * self.layer.zero_point1
            - line[1] * self.layer.zero_point2
        )
        self.vectorized.low, self.vectorized.high = self.layer.low, self.layer.high
        if not prove_add(sums, self.layer.low, self.layer.high, line):
            return False
        self.vectorized.slope1, self.vectorized.slope2 = line[0], line[1]
        self.vectorized.offset = line[2]
        return True

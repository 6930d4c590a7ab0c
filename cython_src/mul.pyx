"""MUL on the host."""

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
from qembed._host._simd cimport chosen_isa, pack_mul, qh_isa, qh_mul


cdef struct Data:
    Scale scale
    int32_t zero_point1
    int32_t zero_point2
    int32_t output_zero_point
    int32_t low
    int32_t high


cdef inline int32_t multiply(const Data *layer, int64_t x1, int64_t x2) noexcept nogil:
    cdef int64_t product = (x1 - layer.zero_point1) * (x2 - layer.zero_point2)
    return qh_clamp(
        rescale(&layer.scale, product) + layer.output_zero_point,
        layer.low,
        layer.high,
    )


cdef void multiply_row(
    const Data *layer, const activation *x1, Py_ssize_t step1, const activation *x2,
    Py_ssize_t step2, activation *y, Py_ssize_t count
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(count):
        y[i] = <activation> multiply(layer, x1[i * step1], x2[i * step2])


cdef void row_int8(
    const void *layer, const void *x1, Py_ssize_t step1, const void *x2, Py_ssize_t step2, void *y,
    Py_ssize_t count
) noexcept nogil:
    multiply_row[schar](
        <const Data *> layer, <const schar *> x1, step1, <const schar *> x2, step2,
        <schar *> y, count
    )


cdef void row_int16(
    const void *layer, const void *x1, Py_ssize_t step1, const void *x2, Py_ssize_t step2, void *y,
    Py_ssize_t count
) noexcept nogil:
    multiply_row[short](
        <const Data *> layer, <const short *> x1, step1, <const short *> x2, step2,
        <short *> y, count
    )


cdef class MulKernel(Kernel):
    """See `qembed.ops.mul`."""

    cdef Walk walk
    cdef Data layer
    cdef qh_mul vectorized

    def __init__(self, params, inputs, outputs):
        cdef const qh_isa *isa = chosen_isa()
        if isa != NULL and inputs[0].dtype == "int8" and pack_mul(self, &self.vectorized, params):
            plan_pairs(self, &self.walk, isa.mul, &self.vectorized, inputs, outputs[0])
            self.packed = "mul", <size_t> &self.vectorized, sizeof(self.vectorized)
            return
        set_scale(&self.layer.scale, params.requantization)
        self.layer.zero_point1 = params.input1_zero_point
        self.layer.zero_point2 = params.input2_zero_point
        self.layer.output_zero_point = params.output_zero_point
        self.layer.low, self.layer.high = params.activation_range
        cdef row_t row = row_int8 if inputs[0].dtype == "int8" else row_int16
        plan_pairs(self, &self.walk, row, &self.layer, inputs, outputs[0])

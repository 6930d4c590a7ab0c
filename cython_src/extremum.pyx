"""MAXIMUM and MINIMUM on the host."""

from libc.stdint cimport int32_t

from qembed._host._kernel cimport Kernel, Walk, plan_pairs, row_t, schar

ctypedef fused number:
    schar
    short
    int32_t


cdef struct Data:
    bint largest


cdef void choose(
    const Data *layer, const number *x1, Py_ssize_t step1, const number *x2, Py_ssize_t step2,
    number *y, Py_ssize_t count
) noexcept nogil:
    cdef Py_ssize_t i
    cdef number one, two
    for i in range(count):
        one = x1[i * step1]
        two = x2[i * step2]
        y[i] = one if (one > two) == layer.largest else two


cdef void row_int8(
    const void *layer, const void *x1, Py_ssize_t step1, const void *x2, Py_ssize_t step2, void *y,
    Py_ssize_t count
) noexcept nogil:
    choose[schar](
        <const Data *> layer, <const schar *> x1, step1, <const schar *> x2, step2,
        <schar *> y, count
    )


cdef void row_int16(
    const void *layer, const void *x1, Py_ssize_t step1, const void *x2, Py_ssize_t step2, void *y,
    Py_ssize_t count
) noexcept nogil:
    choose[short](
        <const Data *> layer, <const short *> x1, step1, <const short *> x2, step2,
        <short *> y, count
    )


cdef void row_int32(
    const void *layer, const void *x1, Py_ssize_t step1, const void *x2, Py_ssize_t step2, void *y,
    Py_ssize_t count
) noexcept nogil:
    choose[int32_t](
        <const Data *> layer, <const int32_t *> x1, step1, <const int32_t *> x2, step2,
        <int32_t *> y, count
    )


cdef class ExtremumKernel(Kernel):
    """See `qembed.ops.extremum`."""

    cdef Walk walk
    cdef Data layer

    def __init__(self, params, inputs, outputs):
        cdef row_t row = row_int32
        if inputs[0].dtype == "int8":
            row = row_int8
        elif inputs[0].dtype == "int16":
            row = row_int16
        self.layer.largest = params.largest
        plan_pairs(self, &self.walk, row, &self.layer, inputs, outputs[0])

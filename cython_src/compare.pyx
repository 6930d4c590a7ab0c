"""Comparisons on the host: the sign of the difference of both scaled inputs decides."""

from libc.stdint cimport int32_t, int64_t

from qembed._host._kernel cimport (
    Kernel,
    Scale,
    Walk,
    plan_pairs,
    rescale,
    row_t,
    schar,
    set_scale,
    uchar,
)

ctypedef fused number:
    schar
    int32_t

# What each comparison answers for a first input that is less, equal, greater.
ANSWERS = {
    "equal": (0, 1, 0),
    "not_equal": (1, 0, 1),
    "greater": (0, 0, 1),
    "greater_equal": (0, 1, 1),
    "less": (1, 0, 0),
    "less_equal": (1, 1, 0),
}


cdef struct Data:
    bint is_scaled
    Scale scale1
    Scale scale2
    int32_t zero_point1
    int32_t zero_point2
    int32_t left_shift
    uchar answer[3]


cdef inline uchar compare_pair(const Data *layer, int64_t one, int64_t two) noexcept nogil:
    cdef int64_t raise_by = <int64_t> 1 << layer.left_shift
    one -= layer.zero_point1
    two -= layer.zero_point2
    if layer.is_scaled:
        one = rescale(&layer.scale1, one * raise_by)
        two = rescale(&layer.scale2, two * raise_by)
    return layer.answer[1 + (one > two) - (one < two)]


cdef void compare_row(
    const Data *layer, const number *x1, Py_ssize_t step1, const number *x2, Py_ssize_t step2,
    uchar *y, Py_ssize_t count
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(count):
        y[i] = compare_pair(layer, x1[i * step1], x2[i * step2])


cdef void row_int8(
    const void *layer, const void *x1, Py_ssize_t step1, const void *x2, Py_ssize_t step2, void *y,
    Py_ssize_t count
) noexcept nogil:
    compare_row[schar](
        <const Data *> layer, <const schar *> x1, step1, <const schar *> x2, step2,
        <uchar *> y, count
    )


cdef void row_int32(
    const void *layer, const void *x1, Py_ssize_t step1, const void *x2, Py_ssize_t step2, void *y,
    Py_ssize_t count
) noexcept nogil:
    compare_row[int32_t](
        <const Data *> layer, <const int32_t *> x1, step1, <const int32_t *> x2, step2,
        <uchar *> y, count
    )


cdef class CompareKernel(Kernel):
    """See `qembed.ops.compare`."""

    cdef Walk walk
    cdef Data layer

    def __init__(self, params, inputs, outputs):
        self.layer.is_scaled = params.requantization1 is not None
        if self.layer.is_scaled:
            set_scale(&self.layer.scale1, params.requantization1)
            set_scale(&self.layer.scale2, params.requantization2)
        self.layer.zero_point1 = params.input1_zero_point
        self.layer.zero_point2 = params.input2_zero_point
        self.layer.left_shift = params.left_shift
        for i, answer in enumerate(ANSWERS[params.comparison]):
            self.layer.answer[i] = answer
        cdef row_t row = row_int8 if inputs[0].dtype == "int8" else row_int32
        plan_pairs(self, &self.walk, row, &self.layer, inputs, outputs[0])

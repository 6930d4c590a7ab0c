"""Comparisons on the host: the sign of the difference of both scaled inputs decides."""

from libc.stdint cimport int32_t, int64_t

from qembed._host._kernel cimport (
    Kernel,
    Scale,
    Walk,
    next_row,
    rescale,
    schar,
    set_scale,
    set_walk,
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
    Walk walk
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


cdef void compare_all(
    const Data *layer, const number *x1, const number *x2, uchar *y, Py_ssize_t batch
) noexcept nogil:
    cdef const Walk *walk = &layer.walk
    cdef Py_ssize_t index[8]
    cdef Py_ssize_t at1, at2, _sample, i
    cdef Py_ssize_t inner = walk.rank - 1
    for _sample in range(batch):
        at1 = at2 = 0
        for i in range(8):
            index[i] = 0
        while True:
            for i in range(walk.size[inner]):
                y[i] = compare_pair(
                    layer, x1[at1 + i * walk.stride1[inner]], x2[at2 + i * walk.stride2[inner]]
                )
            y += walk.size[inner]
            if not next_row(walk, index, &at1, &at2):
                break
        x1 += walk.count1
        x2 += walk.count2


cdef void run_int8(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    compare_all[schar](
        <const Data *> data, <const schar *> inputs[0], <const schar *> inputs[1],
        <uchar *> outputs[0], batch,
    )


cdef void run_int32(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    compare_all[int32_t](
        <const Data *> data, <const int32_t *> inputs[0], <const int32_t *> inputs[1],
        <uchar *> outputs[0], batch,
    )


cdef class CompareKernel(Kernel):
    """See `qembed.ops.compare`."""

    cdef Data layer

    def __init__(self, params, inputs, outputs):
        set_walk(&self.layer.walk, inputs[0].shape, inputs[1].shape, outputs[0].shape)
        self.layer.is_scaled = params.requantization1 is not None
        if self.layer.is_scaled:
            set_scale(&self.layer.scale1, params.requantization1)
            set_scale(&self.layer.scale2, params.requantization2)
        self.layer.zero_point1 = params.input1_zero_point
        self.layer.zero_point2 = params.input2_zero_point
        self.layer.left_shift = params.left_shift
        for i, answer in enumerate(ANSWERS[params.comparison]):
            self.layer.answer[i] = answer
        self.data = &self.layer
        self.run = run_int8 if inputs[0].dtype == "int8" else run_int32

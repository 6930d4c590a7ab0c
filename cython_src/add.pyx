"""ADD and SUB on the host."""

from libc.stdint cimport int32_t, int64_t

from qembed._host._kernel cimport (
    Kernel,
    Walk,
    activation,
    next_row,
    qh_clamp,
    qh_requantize,
    rounding_code,
    schar,
    set_walk,
)


cdef struct Scale:
    int32_t multiplier
    int32_t shift
    int rounding


cdef struct Data:
    Walk walk
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


cdef inline int64_t apply(const Scale *by, int64_t value) noexcept nogil:
    return qh_requantize(value, by.multiplier, by.shift, by.rounding)


cdef inline int64_t add_once(const Data *layer, int64_t x1, int64_t x2) noexcept nogil:
    cdef int64_t half = <int64_t> 1 << (layer.sum_shift - 1)
    return (
        x1 * layer.sum_multiplier1 + layer.sign * x2 * layer.sum_multiplier2 + half
    ) >> layer.sum_shift


cdef inline int32_t add_pair(const Data *layer, int64_t x1, int64_t x2) noexcept nogil:
    cdef int64_t raise_by = <int64_t> 1 << layer.left_shift
    cdef int64_t total
    x1 -= layer.zero_point1
    x2 -= layer.zero_point2
    if layer.sum_shift:
        total = add_once(layer, x1, x2)
    else:
        total = apply(
            &layer.output_scale,
            apply(&layer.scale1, x1 * raise_by)
            + layer.sign * apply(&layer.scale2, x2 * raise_by),
        )
    return qh_clamp(total + layer.output_zero_point, layer.low, layer.high)


cdef void add_all(
    const Data *layer, const activation *x1, const activation *x2, activation *y, Py_ssize_t batch
) noexcept nogil:
    cdef const Walk *walk = &layer.walk
    cdef Py_ssize_t index[8]
    cdef Py_ssize_t at1, at2, sample, i
    cdef Py_ssize_t inner = walk.rank - 1
    for sample in range(batch):
        at1 = at2 = 0
        for i in range(8):
            index[i] = 0
        while True:
            for i in range(walk.size[inner]):
                y[i] = <activation> add_pair(
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
    add_all[schar](
        <const Data *> data, <const schar *> inputs[0], <const schar *> inputs[1],
        <schar *> outputs[0], batch,
    )


cdef void run_int16(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    add_all[short](
        <const Data *> data, <const short *> inputs[0], <const short *> inputs[1],
        <short *> outputs[0], batch,
    )


cdef Scale scale_of(object by):
    cdef Scale scale
    scale.multiplier = by.multiplier[0]
    scale.shift = by.shift[0]
    scale.rounding = rounding_code(by.rounding)
    return scale


cdef class AddKernel(Kernel):
    """See `qembed.ops.add`."""

    cdef Data layer

    def __init__(self, params, inputs, outputs):
        set_walk(&self.layer.walk, inputs[0].shape, inputs[1].shape, outputs[0].shape)
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
        self.data = &self.layer
        self.run = run_int8 if inputs[0].dtype == "int8" else run_int16

"""MUL on the host."""

from libc.stdint cimport int32_t, int64_t

from qembed._host._kernel cimport (
    Kernel,
    Scale,
    Walk,
    activation,
    next_row,
    qh_clamp,
    rescale,
    schar,
    set_scale,
    set_walk,
)


cdef struct Data:
    Walk walk
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


cdef void multiply_all(
    const Data *layer, const activation *x1, const activation *x2, activation *y, Py_ssize_t batch
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
                y[i] = <activation> multiply(
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
    multiply_all[schar](
        <const Data *> data, <const schar *> inputs[0], <const schar *> inputs[1],
        <schar *> outputs[0], batch,
    )


cdef void run_int16(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    multiply_all[short](
        <const Data *> data, <const short *> inputs[0], <const short *> inputs[1],
        <short *> outputs[0], batch,
    )


cdef class MulKernel(Kernel):
    """See `qembed.ops.mul`."""

    cdef Data layer

    def __init__(self, params, inputs, outputs):
        set_walk(&self.layer.walk, inputs[0].shape, inputs[1].shape, outputs[0].shape)
        set_scale(&self.layer.scale, params.requantization)
        self.layer.zero_point1 = params.input1_zero_point
        self.layer.zero_point2 = params.input2_zero_point
        self.layer.output_zero_point = params.output_zero_point
        self.layer.low, self.layer.high = params.activation_range
        self.data = &self.layer
        self.run = run_int8 if inputs[0].dtype == "int8" else run_int16

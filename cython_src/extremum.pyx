"""MAXIMUM and MINIMUM on the host."""

from libc.stdint cimport int32_t

from qembed._host._kernel cimport Kernel, Walk, next_row, schar, set_walk

ctypedef fused number:
    schar
    short
    int32_t


cdef struct Data:
    Walk walk
    bint largest


cdef void choose(
    const Data *layer, const number *x1, const number *x2, number *y, Py_ssize_t batch
) noexcept nogil:
    cdef const Walk *walk = &layer.walk
    cdef Py_ssize_t index[8]
    cdef Py_ssize_t at1, at2, _sample, i
    cdef Py_ssize_t inner = walk.rank - 1
    cdef number one, two
    for _sample in range(batch):
        at1 = at2 = 0
        for i in range(8):
            index[i] = 0
        while True:
            for i in range(walk.size[inner]):
                one = x1[at1 + i * walk.stride1[inner]]
                two = x2[at2 + i * walk.stride2[inner]]
                y[i] = one if (one > two) == layer.largest else two
            y += walk.size[inner]
            if not next_row(walk, index, &at1, &at2):
                break
        x1 += walk.count1
        x2 += walk.count2


cdef void run_int8(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    choose[schar](
        <const Data *> data, <const schar *> inputs[0], <const schar *> inputs[1],
        <schar *> outputs[0], batch,
    )


cdef void run_int16(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    choose[short](
        <const Data *> data, <const short *> inputs[0], <const short *> inputs[1],
        <short *> outputs[0], batch,
    )


cdef void run_int32(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    choose[int32_t](
        <const Data *> data, <const int32_t *> inputs[0], <const int32_t *> inputs[1],
        <int32_t *> outputs[0], batch,
    )


cdef class ExtremumKernel(Kernel):
    """See `qembed.ops.extremum`."""

    cdef Data layer

    def __init__(self, params, inputs, outputs):
        set_walk(&self.layer.walk, inputs[0].shape, inputs[1].shape, outputs[0].shape)
        self.layer.largest = params.largest
        self.data = &self.layer
        if inputs[0].dtype == "int8":
            self.run = run_int8
        elif inputs[0].dtype == "int16":
            self.run = run_int16
        else:
            self.run = run_int32

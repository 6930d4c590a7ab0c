"""Functions of two int8 values on the host."""

from qembed._host._kernel cimport Kernel, Walk, next_row, schar, set_walk


cdef struct Data:
    Walk walk
    const schar *table


cdef void run(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    cdef const Data *layer = <const Data *> data
    cdef const Walk *walk = &layer.walk
    cdef const schar *x1 = <const schar *> inputs[0]
    cdef const schar *x2 = <const schar *> inputs[1]
    cdef schar *y = <schar *> outputs[0]
    cdef const schar *middle = layer.table + 128 * 256 + 128
    cdef Py_ssize_t index[8]
    cdef Py_ssize_t at1, at2, _sample, i
    cdef Py_ssize_t inner = walk.rank - 1
    for _sample in range(batch):
        at1 = at2 = 0
        for i in range(8):
            index[i] = 0
        while True:
            for i in range(walk.size[inner]):
                y[i] = middle[
                    <Py_ssize_t> x1[at1 + i * walk.stride1[inner]] * 256
                    + x2[at2 + i * walk.stride2[inner]]
                ]
            y += walk.size[inner]
            if not next_row(walk, index, &at1, &at2):
                break
        x1 += walk.count1
        x2 += walk.count2


cdef class PairLookupKernel(Kernel):
    """See `qembed.ops.pair_lookup`."""

    cdef Data layer

    def __init__(self, params, inputs, outputs):
        set_walk(&self.layer.walk, inputs[0].shape, inputs[1].shape, outputs[0].shape)
        self.layer.table = <const schar *> self.hold(params.table)
        self.data = &self.layer
        self.run = run

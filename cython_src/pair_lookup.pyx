"""Functions of two int8 values on the host."""

from qembed._host._kernel cimport Kernel, Walk, plan_pairs, schar


cdef void look_up_row(
    const void *table, const void *x1, Py_ssize_t step1, const void *x2, Py_ssize_t step2, void *y,
    Py_ssize_t count
) noexcept nogil:
    cdef const schar *middle = <const schar *> table + 128 * 256 + 128
    cdef const schar *one = <const schar *> x1
    cdef const schar *two = <const schar *> x2
    cdef Py_ssize_t i
    for i in range(count):
        (<schar *> y)[i] = middle[<Py_ssize_t> one[i * step1] * 256 + two[i * step2]]


cdef class PairLookupKernel(Kernel):
    """See `qembed.ops.pair_lookup`."""

    cdef Walk walk

    def __init__(self, params, inputs, outputs):
        plan_pairs(self, &self.walk, look_up_row, self.hold(params.table), inputs, outputs[0])

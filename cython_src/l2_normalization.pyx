"""L2_NORMALIZATION on the host."""

from libc.stdint cimport int32_t

from qembed._host._kernel cimport QH_DOUBLE, Kernel, qh_clamp, qh_requantize, schar

cdef extern from "fixed_point.h" nogil:
    int32_t qh_inverse_square_root(int32_t value, int *exponent)


cdef struct Data:
    Py_ssize_t rows  # per sample
    Py_ssize_t depth
    int32_t zero_point


cdef void run(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    cdef const Data *layer = <const Data *> data
    cdef const schar *x = <const schar *> inputs[0]
    cdef schar *y = <schar *> outputs[0]
    cdef Py_ssize_t _row, i
    cdef int32_t squares, real, multiplier
    cdef int exponent
    for _row in range(batch * layer.rows):
        squares = 0
        for i in range(layer.depth):
            real = x[i] - layer.zero_point
            squares += real * real
        multiplier = qh_inverse_square_root(squares, &exponent)
        for i in range(layer.depth):
            y[i] = <schar> qh_clamp(
                qh_requantize(x[i] - layer.zero_point, multiplier, exponent + 7, QH_DOUBLE),
                -128,
                127,
            )
        x += layer.depth
        y += layer.depth


cdef class L2NormalizationKernel(Kernel):
    """See `qembed.ops.l2_normalization`."""

    cdef Data layer

    def __init__(self, params, inputs, outputs):
        self.layer.depth = inputs[0].shape[-1]
        self.layer.rows = inputs[0].nbytes // inputs[0].shape[-1]
        self.layer.zero_point = params.input_zero_point
        self.data = &self.layer
        self.run = run

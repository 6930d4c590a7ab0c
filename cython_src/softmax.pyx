"""SOFTMAX on the host: the exponentials of all differences come from a table of 256."""

from libc.stdint cimport int32_t, int64_t

from qembed._host._kernel cimport Kernel, schar

cdef extern from "fixed_point.h" nogil:
    int32_t qh_high_multiply(int32_t a, int32_t b)
    int32_t qh_shift_right_away(int32_t x, int exponent)
    int32_t qh_exp_of_negative(int32_t a, int integer_bits)
    int32_t qh_one_over_one_plus(int32_t a)
    int qh_leading_zeros(unsigned int x)


cdef struct Data:
    Py_ssize_t rows  # per sample
    Py_ssize_t classes
    int first_ignored  # distance below the largest value from which on values count as zero
    int32_t exps[256]
    int32_t low
    int32_t high
    int bits


cdef inline void softmax_row(
    const Data *layer, const schar *x, schar *y8, short *y16
) noexcept nogil:
    cdef int largest = -128
    cdef int64_t total = 0
    cdef int64_t y
    cdef int distance, zeros, exponent
    cdef int32_t scale
    cdef Py_ssize_t i
    for i in range(layer.classes):
        largest = max(largest, <int> x[i])
    for i in range(layer.classes):
        distance = largest - x[i]
        if distance < layer.first_ignored:
            total += qh_shift_right_away(layer.exps[distance], 12)
    zeros = qh_leading_zeros(<unsigned int> total)
    scale = qh_one_over_one_plus(<int32_t> ((<unsigned int> total << zeros) ^ 0x80000000u))
    exponent = min(12 - zeros + 31 - layer.bits, 31)
    for i in range(layer.classes):
        distance = largest - x[i]
        y = layer.low
        if distance < layer.first_ignored:
            y += qh_shift_right_away(qh_high_multiply(scale, layer.exps[distance]), exponent)
            y = min(max(y, <int64_t> layer.low), <int64_t> layer.high)
        if y16 != NULL:
            y16[i] = <short> y
        else:
            y8[i] = <schar> y


cdef void run(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    cdef const Data *layer = <const Data *> data
    cdef Py_ssize_t row, at
    for row in range(batch * layer.rows):
        at = row * layer.classes
        softmax_row(
            layer,
            <const schar *> inputs[0] + at,
            <schar *> outputs[0] + at,
            <short *> outputs[0] + at if layer.bits == 16 else NULL,
        )


cdef class SoftmaxKernel(Kernel):
    """See `qembed.ops.softmax`."""

    cdef Data layer

    def __init__(self, params, inputs, outputs):
        cdef int distance
        self.layer.classes = inputs[0].shape[-1]
        self.layer.rows = inputs[0].nbytes // inputs[0].shape[-1]
        self.layer.bits = 16 if params.output_dtype == "int16" else 8
        self.layer.low = -(1 << (self.layer.bits - 1))
        self.layer.high = (1 << (self.layer.bits - 1)) - 1
        self.layer.first_ignored = min(1 - params.diff_min, 256)
        for distance in range(self.layer.first_ignored):
            raised = -(distance << params.shift)
            self.layer.exps[distance] = qh_exp_of_negative(
                qh_high_multiply(raised, params.multiplier), 5
            )
        self.data = &self.layer
        self.run = run

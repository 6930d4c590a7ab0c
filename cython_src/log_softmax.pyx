"""LOG_SOFTMAX on the host: the exponentials of all differences come from a table of 256."""

from libc.stdint cimport int32_t, int64_t

from qembed._host._kernel cimport Kernel, Scale, qh_clamp, rescale, schar, set_scale

cdef extern from "fixed_point.h" nogil:
    int32_t qh_high_multiply(int32_t a, int32_t b)
    int32_t qh_shift_right_away(int32_t x, int exponent)
    int32_t qh_exp_of_negative(int32_t a, int integer_bits)
    int32_t qh_log_of_sum(int32_t total)


cdef struct Data:
    Py_ssize_t rows  # per sample
    Py_ssize_t classes
    int first_ignored     # distance below the largest value from which on values count as zero
    int32_t scaled[256]   # minus the distance, in Q5.26
    int32_t terms[256]    # its exponential, in Q12.19
    Scale reverse


cdef void log_softmax_row(const Data *layer, const schar *x, schar *y) noexcept nogil:
    cdef int largest = -128
    cdef int32_t total = 0
    cdef int32_t log_sum
    cdef int64_t smallest
    cdef int distance
    cdef Py_ssize_t i
    for i in range(layer.classes):
        largest = max(largest, <int> x[i])
    for i in range(layer.classes):
        distance = largest - x[i]
        if distance < layer.first_ignored:
            total += layer.terms[distance]
    log_sum = qh_log_of_sum(total)
    # Differences from here on down have no logarithm that int8 can show.
    smallest = rescale(&layer.reverse, <int64_t> log_sum - (<int64_t> 1 << 31))
    for i in range(layer.classes):
        distance = largest - x[i]
        y[i] = -128
        if distance < layer.first_ignored and -distance > smallest:
            y[i] = <schar> qh_clamp(
                qh_shift_right_away(layer.scaled[distance] - log_sum, 22) + 127, -128, 127
            )


cdef void run(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    cdef const Data *layer = <const Data *> data
    cdef Py_ssize_t row
    for row in range(batch * layer.rows):
        log_softmax_row(
            layer,
            <const schar *> inputs[0] + row * layer.classes,
            <schar *> outputs[0] + row * layer.classes,
        )


cdef class LogSoftmaxKernel(Kernel):
    """See `qembed.ops.log_softmax`."""

    cdef Data layer

    def __init__(self, params, inputs, outputs):
        cdef int distance
        self.layer.classes = inputs[0].shape[-1]
        self.layer.rows = inputs[0].nbytes // inputs[0].shape[-1]
        self.layer.first_ignored = min(1 - params.diff_min, 256)
        for distance in range(self.layer.first_ignored):
            raised = -(distance << params.shift)
            self.layer.scaled[distance] = qh_high_multiply(raised, params.multiplier)
            self.layer.terms[distance] = qh_shift_right_away(
                qh_exp_of_negative(self.layer.scaled[distance], 5), 12
            )
        set_scale(&self.layer.reverse, params.reverse)
        self.data = &self.layer
        self.run = run

from libc.stdint cimport int32_t, int64_t


# Activation types. int8 and int16 are what layers compute with; the others only pass through.
ctypedef signed char schar
ctypedef unsigned char uchar

ctypedef fused integer:
    schar
    uchar
    short
    int32_t

ctypedef fused activation:
    schar
    short


cdef extern from "requantize.h" nogil:
    enum: QH_DOUBLE
    enum: QH_SINGLE
    enum: QH_WIDE
    enum: QH_FLOAT32
    enum: QH_FLOAT64

    ctypedef struct qh_epilogue:
        const int64_t *bias
        const int32_t *multiplier
        const int32_t *shift
        const double *real
        int rounding
        int32_t zero_point
        int32_t low
        int32_t high

    int64_t qh_requantize(int64_t acc, int32_t multiplier, int32_t shift, int rounding)
    int64_t qh_requantize_real(int64_t acc, double real, int rounding)
    int32_t qh_clamp(int64_t value, int32_t low, int32_t high)
    int32_t qh_finish(const qh_epilogue *by, int64_t channel, int64_t total)

cdef extern from "sums.h" nogil:
    int64_t qh_dot_int8(const schar *x, const schar *w, Py_ssize_t n, bint narrow)
    int64_t qh_dot_int16(const short *x, const schar *w, Py_ssize_t n, bint narrow)


ctypedef void (*run_t)(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil


cdef enum:
    MAX_RANK = 8


ctypedef void (*part_t)(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t part,
    Py_ssize_t parts
) noexcept nogil

# A row of two operands: `step1` and `step2` are 1, or 0 where one value serves the whole row.
ctypedef void (*row_t)(
    const void *layer, const void *x1, Py_ssize_t step1, const void *x2, Py_ssize_t step2, void *y,
    Py_ssize_t count
) noexcept nogil


# How two operands are walked over their broadcast shape: strides in bytes, 0 where repeated.
cdef struct Walk:
    row_t row
    const void *layer
    int rank
    Py_ssize_t size[MAX_RANK]
    Py_ssize_t stride1[MAX_RANK]
    Py_ssize_t stride2[MAX_RANK]
    Py_ssize_t step1        # along the innermost axis, in elements
    Py_ssize_t step2
    Py_ssize_t item1        # bytes of an element of each operand and of the result
    Py_ssize_t item2
    Py_ssize_t item
    Py_ssize_t count1       # elements of each operand and of the result, per sample
    Py_ssize_t count2
    Py_ssize_t count


# A requantization of one channel.
cdef struct Scale:
    int32_t multiplier
    int32_t shift
    int rounding
    double real  # of QH_FLOAT32 and QH_FLOAT64 alone


# NHWC window geometry of one sample.
cdef struct Window:
    Py_ssize_t images, height, width, channels
    Py_ssize_t out_height, out_width
    Py_ssize_t kernel_height, kernel_width
    Py_ssize_t stride_y, stride_x, dilation_y, dilation_x
    Py_ssize_t top, left


cdef class Kernel:
    # One layer, ready to run. `run(data, ...)` may be called from any number of threads at once;
    # each brings `scratch_bytes` of its own memory, aligned to 64 bytes. `run_part`, where there is
    # one, computes one of up to `most_parts` parts of a sample.
    cdef run_t run
    cdef part_t run_part
    cdef const void *data
    cdef readonly Py_ssize_t scratch_bytes
    cdef readonly int most_parts
    cdef readonly list held
    cdef readonly object packed  # (kind, address, bytes) of what a vectorized kernel is given

    cdef void *hold(self, object array) except NULL
    cdef int set_epilogue(
        self, qh_epilogue *epilogue, object params, object weight_sums
    ) except -1


cdef int set_window(
    Window *window, object params, object in_shape, object out_shape, object kernel
) except -1
cdef int set_walk(Walk *walk, object x1, object x2, object y) except -1
cdef int plan_pairs(
    Kernel kernel, Walk *walk, row_t row, const void *layer, object inputs, object output
) except -1
cdef void for_each_row(
    const Walk *walk, const void *x1, const void *x2, void *y
) noexcept nogil
cdef int rounding_code(object rounding) except -1
cdef int set_scale(Scale *scale, object requantization) except -1
cdef bint int32_is_enough(object weights, object dtype) except? True


cdef inline int64_t rescale(const Scale *by, int64_t value) noexcept nogil:
    if by.rounding >= QH_FLOAT32:
        return qh_requantize_real(value, by.real, by.rounding)
    return qh_requantize(value, by.multiplier, by.shift, by.rounding)


cdef inline int64_t dot(
    const activation *x, const schar *w, Py_ssize_t n, bint narrow
) noexcept nogil:
    # Sum of x[i] * w[i]. `narrow`: it is known to stay within int32.
    if activation is schar:
        return qh_dot_int8(x, w, n, narrow)
    else:
        return qh_dot_int16(x, w, n, narrow)

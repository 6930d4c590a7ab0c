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


# How two operands are walked over their broadcast shape: strides in elements, 0 where repeated.
cdef struct Walk:
    int rank
    Py_ssize_t size[MAX_RANK]
    Py_ssize_t stride1[MAX_RANK]
    Py_ssize_t stride2[MAX_RANK]
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
    # each brings `scratch_bytes` of its own memory, aligned to 64 bytes.
    cdef run_t run
    cdef const void *data
    cdef readonly Py_ssize_t scratch_bytes
    cdef list held

    cdef void *hold(self, object array) except NULL
    cdef int set_epilogue(
        self, qh_epilogue *epilogue, object params, object weight_sums
    ) except -1


cdef int set_window(
    Window *window, object params, object in_shape, object out_shape, object kernel
) except -1
cdef int set_walk(Walk *walk, object shape1, object shape2, object shape) except -1
cdef int rounding_code(object rounding) except -1
cdef int set_scale(Scale *scale, object requantization) except -1
cdef bint int32_is_enough(object weights, object dtype) except? True


cdef inline int64_t rescale(const Scale *by, int64_t value) noexcept nogil:
    if by.rounding >= QH_FLOAT32:
        return qh_requantize_real(value, by.real, by.rounding)
    return qh_requantize(value, by.multiplier, by.shift, by.rounding)


cdef inline bint next_row(
    const Walk *walk, Py_ssize_t *index, Py_ssize_t *at1, Py_ssize_t *at2
) noexcept nogil:
    # Step to the next run of the innermost axis; False after the last one.
    cdef int axis = walk.rank - 2
    while axis >= 0:
        index[axis] += 1
        at1[0] += walk.stride1[axis]
        at2[0] += walk.stride2[axis]
        if index[axis] < walk.size[axis]:
            return True
        at1[0] -= index[axis] * walk.stride1[axis]
        at2[0] -= index[axis] * walk.stride2[axis]
        index[axis] = 0
        axis -= 1
    return False


cdef inline int64_t dot(
    const activation *x, const schar *w, Py_ssize_t n, bint narrow
) noexcept nogil:
    # Sum of x[i] * w[i]. `narrow`: it is known to stay within int32.
    if activation is schar:
        return qh_dot_int8(x, w, n, narrow)
    else:
        return qh_dot_int16(x, w, n, narrow)

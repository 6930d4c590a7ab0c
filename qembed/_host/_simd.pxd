from libc.stdint cimport int32_t, int64_t

from qembed._host._kernel cimport Kernel, part_t, row_t, run_t


cdef extern from "simd/simd.h" nogil:
    enum: QH_EXACT
    enum: QH_ONE_LINE
    enum: QH_TWO_LINES
    enum: QH_FLAT_VALUES
    enum: QH_MAX_LANES

    ctypedef struct qh_scaling:
        float *slope
        float *offset
        float *negative_slope
        float *negative_offset
        int32_t *left
        int32_t *multiplier
        int64_t *half
        int64_t *tie
        int64_t *right
        int32_t form

    ctypedef struct qh_block:
        const void *weights
        const int32_t *bias
        const qh_scaling *scaling
        int form
        int vectors
        int channels
        int first_channel
        Py_ssize_t input_offset

    ctypedef struct qh_staging:
        Py_ssize_t height, width, channels, window_height, top, bottom, left, right, repeat, phases
        int32_t zero_point

    ctypedef struct qh_sums:
        qh_staging staging
        Py_ssize_t images, rows, columns, row_stride, pixel_stride
        Py_ssize_t out_channels, steps, stride_y
        const int32_t *offsets
        Py_ssize_t block_count
        const qh_block *blocks
        int32_t zero_point, low, high
        bint clamps, flat, sampled

    ctypedef struct qh_depthwise:
        qh_staging staging
        Py_ssize_t images, rows, row_values, stride_y, pitch, groups_of_taps
        const int32_t *offsets
        Py_ssize_t block_count
        const qh_block *blocks
        bint rolling
        int32_t zero_point, low, high
        bint clamps

    ctypedef struct qh_pool:
        Py_ssize_t images, height, width, channels, rows, columns
        Py_ssize_t window_y, window_x, stride_y, stride_x, top, left
        int32_t low, high

    ctypedef struct qh_add:
        float slope1, slope2, offset
        int32_t low, high

    ctypedef struct qh_mul:
        const qh_scaling *scaling
        int32_t zero_point1, zero_point2, move
        int32_t zero_point, low, high

    ctypedef struct qh_isa:
        const char *name
        bint (*supported)()
        int lanes, step, most_vectors, staged_offset, staged_bytes
        run_t sums, depthwise, average_pool, max_pool
        part_t sums_part, depthwise_part, average_pool_part, max_pool_part
        row_t add, mul
        int64_t (*peak)(Py_ssize_t repeats) nogil
        const qh_isa *words

    const qh_isa *qh_isas[]

cdef extern from "simd/staircase.h" nogil:
    ctypedef struct qh_channel:
        int32_t multiplier, shift
        double real
        int rounding
        int32_t zero_point, low, high
        int64_t least, most

    ctypedef struct qh_proof:
        int form
        float slope, offset, negative_slope, negative_offset
        int32_t move

    qh_proof qh_prove(const qh_channel *channel)
    bint qh_prove_add(const signed char *sums, int32_t low, int32_t high, float *line)


cdef const qh_isa *chosen_isa() except? NULL
cdef bint pack_conv(
    Kernel kernel, qh_sums *layer, object params, object weights, object dtype, object in_shape,
    object out_shape,
) except -1
cdef bint pack_depthwise(
    Kernel kernel, qh_depthwise *layer, object params, object dtype, object in_shape,
    object out_shape,
) except -1
cdef bint prove_add(const signed char *sums, int32_t low, int32_t high, float *line)
cdef bint pack_mul(Kernel kernel, qh_mul *layer, object params) except -1
cdef bint pack_pool(
    Kernel kernel, qh_pool *layer, object params, object inputs, object outputs, bint largest
) except -1

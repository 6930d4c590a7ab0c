"""RESIZE_BILINEAR on the host."""

from libc.stdint cimport int32_t, int64_t

from qembed._host._kernel cimport Kernel, activation, schar

cdef enum:
    ONE = 1024      # weights of neighbours, in each direction
    HALF = 1 << 19  # of the product of two weights


cdef struct Places:
    const int32_t *low
    const int32_t *high
    const int32_t *fraction


cdef struct Data:
    Py_ssize_t images, height, width, channels
    Py_ssize_t out_height, out_width
    Places rows
    Places columns
    bint ties_up


cdef inline int64_t rounded(int64_t total, bint ties_up) noexcept nogil:
    if ties_up or total >= 0:
        return (total + HALF) >> 20
    return -((HALF - total) >> 20)


cdef void resize(
    const Data *layer, const activation *x, activation *y, Py_ssize_t batch
) noexcept nogil:
    cdef Py_ssize_t _image, oy, ox, channel, left, right
    cdef int64_t down, across, before, after
    cdef const activation *above
    cdef const activation *below
    for _image in range(batch * layer.images):
        for oy in range(layer.out_height):
            above = x + layer.rows.low[oy] * layer.width * layer.channels
            below = x + layer.rows.high[oy] * layer.width * layer.channels
            down = layer.rows.fraction[oy]
            for ox in range(layer.out_width):
                left = layer.columns.low[ox] * layer.channels
                right = layer.columns.high[ox] * layer.channels
                across = layer.columns.fraction[ox]
                for channel in range(layer.channels):
                    before = above[left + channel] * (ONE - down) + below[left + channel] * down
                    after = above[right + channel] * (ONE - down) + below[right + channel] * down
                    y[channel] = <activation> rounded(
                        before * (ONE - across) + after * across, layer.ties_up
                    )
                y += layer.channels
        x += layer.height * layer.width * layer.channels


cdef void run_int8(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    resize[schar](<const Data *> data, <const schar *> inputs[0], <schar *> outputs[0], batch)


cdef void run_int16(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    resize[short](<const Data *> data, <const short *> inputs[0], <short *> outputs[0], batch)


cdef class ResizeBilinearKernel(Kernel):
    """See `qembed.ops.resize_bilinear`."""

    cdef Data layer

    def __init__(self, params, inputs, outputs):
        self.layer.images, self.layer.height, self.layer.width, self.layer.channels = inputs[
            0
        ].shape
        self.layer.out_height, self.layer.out_width = outputs[0].shape[1:3]
        self.layer.rows = self.places(params.rows)
        self.layer.columns = self.places(params.columns)
        self.layer.ties_up = params.rounding == "single"
        self.data = &self.layer
        self.run = run_int8 if inputs[0].dtype == "int8" else run_int16

    cdef Places places(self, object given):
        cdef Places held
        held.low = <const int32_t *> self.hold(given.low)
        held.high = <const int32_t *> self.hold(given.high)
        held.fraction = <const int32_t *> self.hold(given.fraction)
        return held

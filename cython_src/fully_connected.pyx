"""FULLY_CONNECTED on the host: one dot product an output."""

from qembed._host._kernel cimport (
    Kernel,
    activation,
    dot,
    int32_is_enough,
    qh_epilogue,
    qh_finish,
    schar,
)
from qembed._host._simd cimport pack_conv, qh_sums

import numpy as np


cdef struct Data:
    qh_epilogue epilogue
    const schar *weights  # [output][input]
    Py_ssize_t rows       # per sample
    Py_ssize_t in_channels
    Py_ssize_t out_channels
    bint narrow


cdef void multiply(
    const Data *layer, const activation *x, activation *y, Py_ssize_t batch
) noexcept nogil:
    cdef Py_ssize_t _row, channel
    for _row in range(batch * layer.rows):
        for channel in range(layer.out_channels):
            y[channel] = <activation> qh_finish(
                &layer.epilogue,
                channel,
                dot(
                    x,
                    layer.weights + channel * layer.in_channels,
                    layer.in_channels,
                    layer.narrow,
                ),
            )
        x += layer.in_channels
        y += layer.out_channels


cdef void run_int8(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    multiply[schar](
        <const Data *> data, <const schar *> inputs[0], <schar *> outputs[0], batch
    )


cdef void run_int16(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    multiply[short](
        <const Data *> data, <const short *> inputs[0], <short *> outputs[0], batch
    )


cdef class FullyConnectedKernel(Kernel):
    """See `qembed.ops.fully_connected`."""

    cdef Data layer
    cdef qh_sums vectorized

    def __init__(self, params, inputs, outputs):
        weights = params.weights
        rows = int(np.prod(inputs[0].shape, dtype=np.int64)) // weights.shape[1]
        if pack_conv(
            self, &self.vectorized, params, weights[:, None, None, :], inputs[0].dtype,
            (rows, 1, 1, weights.shape[1]), (rows, 1, 1, weights.shape[0]),
        ):
            return
        self.set_epilogue(&self.layer.epilogue, params, weights.astype(np.int64).sum(axis=1))
        self.layer.weights = <const schar *> self.hold(weights)
        self.layer.out_channels, self.layer.in_channels = weights.shape
        self.layer.rows = rows
        self.layer.narrow = int32_is_enough(weights, inputs[0].dtype)
        self.data = &self.layer
        self.run = run_int8 if inputs[0].dtype == "int8" else run_int16

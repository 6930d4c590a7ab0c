"""SVDF on the host. Its state is updated in place."""

from libc.stdint cimport int32_t, int64_t
from libc.string cimport memmove

from qembed._host._kernel cimport (
    Kernel,
    Scale,
    activation,
    qh_clamp,
    rescale,
    schar,
    set_scale,
)

import numpy as np


cdef struct Data:
    Py_ssize_t rows, features, filters, memory, rank
    const schar *feature_weights  # [filter][feature]
    const void *time_weights      # [filter][memory], of the state's type
    const int32_t *bias           # [unit]
    Scale state_scale
    Scale output_scale
    int32_t input_zero_point
    int32_t state_zero_point
    int32_t output_zero_point
    int32_t state_low
    int32_t state_high


cdef int32_t newest(const Data *layer, const schar *x, const schar *w) noexcept nogil:
    # What a filter makes of the features; the zero point is added behind the clamp, and may wrap.
    cdef int64_t acc = 0
    cdef Py_ssize_t i
    for i in range(layer.features):
        acc += (x[i] - layer.input_zero_point) * w[i]
    return layer.state_zero_point + qh_clamp(
        rescale(&layer.state_scale, acc), layer.state_low, layer.state_high
    )


cdef void step_row(
    const Data *layer, const schar *x, activation *state, schar *y
) noexcept nogil:
    cdef const activation *weights = <const activation *> layer.time_weights
    cdef Py_ssize_t filter, unit, i
    cdef Py_ssize_t span = layer.rank * layer.memory
    cdef int64_t acc
    cdef activation *history
    for filter in range(layer.filters):
        history = state + filter * layer.memory
        memmove(history, history + 1, (layer.memory - 1) * sizeof(activation))
        history[layer.memory - 1] = <activation> newest(
            layer, x, layer.feature_weights + filter * layer.features
        )
    for unit in range(layer.filters // layer.rank):
        acc = layer.bias[unit]
        for i in range(unit * span, (unit + 1) * span):
            acc += (<int64_t> state[i] - layer.state_zero_point) * weights[i]
        y[unit] = <schar> qh_clamp(
            rescale(&layer.output_scale, <int32_t> acc) + layer.output_zero_point, -128, 127
        )


cdef void step(
    const Data *layer,
    const schar *x,
    const activation *before,
    schar *y,
    activation *state,
    Py_ssize_t batch,
) noexcept nogil:
    cdef Py_ssize_t count = layer.filters * layer.memory
    cdef Py_ssize_t _row
    if before != state:
        memmove(state, before, batch * layer.rows * count * sizeof(activation))
    for _row in range(batch * layer.rows):
        step_row(layer, x, state, y)
        x += layer.features
        state += count
        y += layer.filters // layer.rank


cdef void run_int8(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    step[schar](
        <const Data *> data, <const schar *> inputs[0], <const schar *> inputs[1],
        <schar *> outputs[0], <schar *> outputs[1], batch,
    )


cdef void run_int16(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    step[short](
        <const Data *> data, <const schar *> inputs[0], <const short *> inputs[1],
        <schar *> outputs[0], <short *> outputs[1], batch,
    )


cdef class SvdfKernel(Kernel):
    """See `qembed.ops.svdf`."""

    cdef Data layer

    def __init__(self, params, inputs, outputs):
        self.layer.rows, self.layer.features = inputs[0].shape
        self.layer.filters, self.layer.memory = params.time_weights.shape
        self.layer.rank = params.rank
        self.layer.feature_weights = <const schar *> self.hold(params.feature_weights)
        self.layer.time_weights = self.hold(params.time_weights)
        self.layer.bias = <const int32_t *> self.hold(params.bias)
        set_scale(&self.layer.state_scale, params.state_requantization)
        set_scale(&self.layer.output_scale, params.output_requantization)
        self.layer.input_zero_point = params.input_zero_point
        self.layer.state_zero_point = params.state_zero_point
        self.layer.output_zero_point = params.output_zero_point
        limits = np.iinfo(inputs[1].dtype)
        self.layer.state_low, self.layer.state_high = int(limits.min), int(limits.max)
        self.data = &self.layer
        self.run = run_int8 if inputs[1].dtype == "int8" else run_int16

"""UNIDIRECTIONAL_SEQUENCE_LSTM on the host. Its states are updated in place."""

from libc.stdint cimport int32_t, int64_t, uint16_t
from libc.string cimport memcpy, memmove

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

cdef extern from "sigmoid.h" nogil:
    ctypedef struct qh_sigmoid:
        int32_t multiplier
        int32_t shift
        const uint16_t *table

    int32_t qh_logistic_int16(const qh_sigmoid *by, int32_t x)
    int32_t qh_tanh_int16(const qh_sigmoid *by, int32_t x)


cdef struct Gate:
    const schar *input_weights      # [cell][feature]
    const schar *recurrent_weights  # [cell][cell]
    const int64_t *bias             # [cell]
    Scale input_scale
    Scale recurrent_scale


cdef struct Data:
    Py_ssize_t rows, steps, features, cells
    Py_ssize_t row_step, time_step  # in rows of the input and of the output
    Gate input_gate
    Gate forget_gate
    Gate cell_gate
    Gate output_gate
    qh_sigmoid gate_steps
    qh_sigmoid cell_steps
    Scale forget_scale
    Scale update_scale
    Scale hidden_scale
    int32_t cell_clip
    int32_t input_zero_point
    int32_t hidden_zero_point
    int32_t low   # of the hidden state
    int32_t high


cdef inline int32_t clamp16(int64_t x) noexcept nogil:
    return qh_clamp(x, -32768, 32767)


cdef int32_t into_gate(
    const Data *layer,
    const Gate *gate,
    Py_ssize_t cell,
    const activation *x,
    const activation *hidden,
) noexcept nogil:
    cdef const schar *w = gate.input_weights + cell * layer.features
    cdef const schar *r = gate.recurrent_weights + cell * layer.cells
    cdef int64_t from_input = gate.bias[cell]
    cdef int64_t from_hidden = 0
    cdef Py_ssize_t i
    for i in range(layer.features):
        from_input += <int64_t> (x[i] - layer.input_zero_point) * w[i]
    for i in range(layer.cells):
        from_hidden += <int64_t> (hidden[i] - layer.hidden_zero_point) * r[i]
    return clamp16(
        <int64_t> clamp16(rescale(&gate.input_scale, from_input))
        + clamp16(rescale(&gate.recurrent_scale, from_hidden))
    )


cdef activation step_cell(
    const Data *layer, Py_ssize_t at, const activation *x, const activation *hidden, short *cell
) noexcept nogil:
    # New hidden value of one cell, whose own state changes.
    cdef const qh_sigmoid *gates = &layer.gate_steps
    cdef int32_t update, keep, proposal, emit, kept, added, value
    update = qh_logistic_int16(gates, into_gate(layer, &layer.input_gate, at, x, hidden))
    keep = qh_logistic_int16(gates, into_gate(layer, &layer.forget_gate, at, x, hidden))
    proposal = qh_tanh_int16(gates, into_gate(layer, &layer.cell_gate, at, x, hidden))
    emit = qh_logistic_int16(gates, into_gate(layer, &layer.output_gate, at, x, hidden))
    kept = clamp16(rescale(&layer.forget_scale, keep * cell[at]))
    added = clamp16(rescale(&layer.update_scale, update * proposal))
    value = qh_clamp(clamp16(<int64_t> kept + added), -layer.cell_clip, layer.cell_clip)
    cell[at] = <short> value
    return <activation> qh_clamp(
        rescale(&layer.hidden_scale, qh_tanh_int16(&layer.cell_steps, value) * emit)
        + layer.hidden_zero_point,
        layer.low,
        layer.high,
    )


cdef void run_row(
    const Data *layer, const activation *x, activation *y, activation *hidden, short *cell
) noexcept nogil:
    # All steps of one sequence. Each step reads the whole old hidden state: it goes to y first.
    cdef Py_ssize_t _step, at
    for _step in range(layer.steps):
        for at in range(layer.cells):
            y[at] = step_cell(layer, at, x, hidden, cell)
        memcpy(hidden, y, layer.cells * sizeof(activation))
        x += layer.time_step * layer.features
        y += layer.time_step * layer.cells


cdef void run_all(
    const Data *layer,
    const activation *x,
    const void **inputs,
    void **outputs,
    Py_ssize_t batch,
) noexcept nogil:
    cdef activation *y = <activation *> outputs[0]
    cdef activation *hidden = <activation *> outputs[1]
    cdef short *cell = <short *> outputs[2]
    cdef Py_ssize_t count = layer.rows * layer.cells
    cdef Py_ssize_t _sample, row
    if inputs[1] != outputs[1]:
        memmove(hidden, inputs[1], batch * count * sizeof(activation))
    if inputs[2] != outputs[2]:
        memmove(cell, inputs[2], batch * count * sizeof(short))
    for _sample in range(batch):
        for row in range(layer.rows):
            run_row(
                layer,
                x + row * layer.row_step * layer.features,
                y + row * layer.row_step * layer.cells,
                hidden + row * layer.cells,
                cell + row * layer.cells,
            )
        x += layer.rows * layer.steps * layer.features
        y += layer.rows * layer.steps * layer.cells
        hidden += count
        cell += count


cdef void run_int8(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    run_all[schar](<const Data *> data, <const schar *> inputs[0], inputs, outputs, batch)


cdef void run_int16(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    run_all[short](<const Data *> data, <const short *> inputs[0], inputs, outputs, batch)


cdef class LstmKernel(Kernel):
    """See `qembed.ops.lstm`."""

    cdef Data layer

    def __init__(self, params, inputs, outputs):
        first, second, self.layer.features = inputs[0].shape
        steps, rows = (first, second) if params.time_major else (second, first)
        self.layer.rows, self.layer.steps = rows, steps
        self.layer.row_step, self.layer.time_step = (1, rows) if params.time_major else (steps, 1)
        self.layer.cells = outputs[0].shape[2]
        self.layer.input_gate = self.gate(params.input_gate)
        self.layer.forget_gate = self.gate(params.forget_gate)
        self.layer.cell_gate = self.gate(params.cell_gate)
        self.layer.output_gate = self.gate(params.output_gate)
        table = <const uint16_t *> self.hold(params.table)
        self.layer.gate_steps = qh_sigmoid(3, 0, table)  # gates count in steps of 2**-12
        self.layer.cell_steps = qh_sigmoid(params.tanh_multiplier, params.tanh_shift, table)
        set_scale(&self.layer.forget_scale, params.forget_requantization)
        set_scale(&self.layer.update_scale, params.update_requantization)
        set_scale(&self.layer.hidden_scale, params.hidden_requantization)
        self.layer.cell_clip = params.cell_clip
        self.layer.input_zero_point = params.input_zero_point
        self.layer.hidden_zero_point = params.hidden_zero_point
        limits = np.iinfo(inputs[0].dtype)
        self.layer.low, self.layer.high = int(limits.min), int(limits.max)
        self.data = &self.layer
        self.run = run_int8 if inputs[0].dtype == "int8" else run_int16

    cdef Gate gate(self, object given):
        cdef Gate held
        held.input_weights = <const schar *> self.hold(given.input_weights)
        held.recurrent_weights = <const schar *> self.hold(given.recurrent_weights)
        held.bias = <const int64_t *> self.hold(given.bias.astype(np.int64))
        set_scale(&held.input_scale, given.input_requantization)
        set_scale(&held.recurrent_scale, given.recurrent_requantization)
        return held

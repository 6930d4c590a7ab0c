"""LOGISTIC and TANH of int16 on the host."""

from libc.stdint cimport int32_t, uint16_t

from qembed._host._kernel cimport Kernel

import numpy as np

cdef extern from "sigmoid.h" nogil:
    ctypedef struct qh_sigmoid:
        int32_t multiplier
        int32_t shift
        const uint16_t *table

    int32_t qh_logistic_int16(const qh_sigmoid *by, int32_t x)
    int32_t qh_tanh_int16(const qh_sigmoid *by, int32_t x)


cdef struct Data:
    Py_ssize_t count
    qh_sigmoid steps
    bint is_tanh


cdef void run(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    cdef const Data *layer = <const Data *> data
    cdef const short *x = <const short *> inputs[0]
    cdef short *y = <short *> outputs[0]
    cdef Py_ssize_t i
    for i in range(batch * layer.count):
        if layer.is_tanh:
            y[i] = <short> qh_tanh_int16(&layer.steps, x[i])
        else:
            y[i] = <short> qh_logistic_int16(&layer.steps, x[i])


cdef class SigmoidKernel(Kernel):
    """See `qembed.ops.sigmoid`."""

    cdef Data layer

    def __init__(self, params, inputs, outputs):
        self.layer.count = int(np.prod(inputs[0].shape, dtype=np.int64))
        self.layer.steps.multiplier = params.multiplier
        self.layer.steps.shift = params.shift
        self.layer.steps.table = <const uint16_t *> self.hold(params.table)
        self.layer.is_tanh = params.function == "tanh"
        self.data = &self.layer
        self.run = run

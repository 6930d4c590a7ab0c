"""DEQUANTIZE on the host."""

from libc.stdint cimport int32_t, int64_t

from qembed._host._kernel cimport Kernel, integer, schar, uchar

import numpy as np


cdef struct Data:
    Py_ssize_t count
    int64_t zero_point
    float scale


cdef void dequantize(
    const Data *layer, const integer *x, float *y, Py_ssize_t batch
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(batch * layer.count):
        y[i] = <float> (<int64_t> x[i] - layer.zero_point) * layer.scale


cdef void run_int8(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    dequantize[schar](<const Data *> data, <const schar *> inputs[0], <float *> outputs[0], batch)


cdef void run_uint8(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    dequantize[uchar](<const Data *> data, <const uchar *> inputs[0], <float *> outputs[0], batch)


cdef void run_int16(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    dequantize[short](<const Data *> data, <const short *> inputs[0], <float *> outputs[0], batch)


cdef void run_int32(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    dequantize[int32_t](
        <const Data *> data, <const int32_t *> inputs[0], <float *> outputs[0], batch
    )


cdef class DequantizeKernel(Kernel):
    """See `qembed.ops.dequantize`."""

    cdef Data layer

    def __init__(self, params, inputs, outputs):
        self.layer.count = int(np.prod(inputs[0].shape, dtype=np.int64))
        self.layer.zero_point = params.zero_point
        self.layer.scale = params.scale
        self.data = &self.layer
        dtype = inputs[0].dtype
        if dtype == "int8":
            self.run = run_int8
        elif dtype == "uint8":
            self.run = run_uint8
        elif dtype == "int16":
            self.run = run_int16
        else:
            self.run = run_int32

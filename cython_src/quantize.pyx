"""QUANTIZE on the host: any of the input types to any of the output types, one value at a time."""

from libc.math cimport fabs, floor, rint
from libc.stdint cimport int32_t, int64_t

from qembed._host._kernel cimport Kernel, qh_requantize, rounding_code, schar, uchar

import numpy as np

from qembed._host._kernel import reduced_multipliers


cdef enum Type:
    INT8
    UINT8
    INT16
    INT32
    FLOAT32


cdef struct Data:
    Py_ssize_t count
    Type source
    Type target
    float scale
    bint ties_to_even
    int32_t multiplier
    int32_t shift
    int rounding
    int64_t input_zero_point
    int64_t output_zero_point
    int64_t low
    int64_t high


cdef inline int64_t steps_of(const Data *layer, float x) noexcept nogil:
    """Nearest whole number of output steps, ties away from zero or to even, saturated to int32."""
    cdef double steps = x / layer.scale  # a float32 division
    cdef double nearest = rint(fabs(steps)) if layer.ties_to_even else floor(fabs(steps) + 0.5)
    if nearest > 2147483648.0:
        nearest = 2147483648.0
    if steps < 0:
        return -<int64_t> nearest
    return min(<int64_t> nearest, <int64_t> 2147483647)


cdef inline int64_t load(const Data *layer, const void *x, Py_ssize_t i) noexcept nogil:
    if layer.source == INT8:
        return (<const schar *> x)[i]
    if layer.source == UINT8:
        return (<const uchar *> x)[i]
    if layer.source == INT16:
        return (<const short *> x)[i]
    return (<const int32_t *> x)[i]


cdef inline void store(const Data *layer, void *y, Py_ssize_t i, int64_t value) noexcept nogil:
    value = min(max(value + layer.output_zero_point, layer.low), layer.high)
    if layer.target == INT8:
        (<schar *> y)[i] = <schar> value
    elif layer.target == UINT8:
        (<uchar *> y)[i] = <uchar> value
    elif layer.target == INT16:
        (<short *> y)[i] = <short> value
    else:
        (<int32_t *> y)[i] = <int32_t> value


cdef void run_float(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    cdef const Data *layer = <const Data *> data
    cdef const float *x = <const float *> inputs[0]
    cdef Py_ssize_t i
    for i in range(batch * layer.count):
        store(layer, outputs[0], i, steps_of(layer, x[i]))


cdef void run_integer(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    cdef const Data *layer = <const Data *> data
    cdef Py_ssize_t i
    for i in range(batch * layer.count):
        store(
            layer,
            outputs[0],
            i,
            qh_requantize(
                load(layer, inputs[0], i) - layer.input_zero_point,
                layer.multiplier,
                layer.shift,
                layer.rounding,
            ),
        )


TYPES = {"int8": INT8, "uint8": UINT8, "int16": INT16, "int32": INT32, "float32": FLOAT32}


cdef class QuantizeKernel(Kernel):
    """See `qembed.ops.quantize`."""

    cdef Data layer

    def __init__(self, params, inputs, outputs):
        self.layer.count = int(np.prod(inputs[0].shape, dtype=np.int64))
        self.layer.source = TYPES[inputs[0].dtype]
        self.layer.target = TYPES[outputs[0].dtype]
        self.layer.output_zero_point = params.output_zero_point
        limits = np.iinfo(outputs[0].dtype)
        self.layer.low, self.layer.high = int(limits.min), int(limits.max)
        self.data = &self.layer
        if inputs[0].dtype == "float32":
            self.layer.scale = params.scale
            self.layer.ties_to_even = params.ties_to_even
            self.run = run_float
            return
        by = params.requantization
        self.layer.input_zero_point = params.input_zero_point
        self.layer.multiplier = reduced_multipliers(by)[0]
        self.layer.shift = by.shift[0]
        self.layer.rounding = rounding_code(by.rounding)
        self.run = run_integer

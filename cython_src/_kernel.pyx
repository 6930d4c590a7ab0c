"""What every host kernel is made of: memory it holds, its epilogue, its geometry."""

import numpy as np

ROUNDING_CODES = {
    "double": QH_DOUBLE,
    "single": QH_SINGLE,
    "wide": QH_WIDE,
    "float32": QH_FLOAT32,
    "float64": QH_FLOAT64,
}
ALIGNMENT = 64
SLACK = 128  # vector loads may read this far past the end of what a kernel holds


cdef class Kernel:
    """One layer prepared for the executor: packed parameters and a C function over them.

    A subclass packs in its constructor ``(params, inputs, outputs)``: the parameter dataclass and
    the `qembed.ir.Tensor` objects of one validated node. All arrays the C function sees are
    C-contiguous with the batch in front, ``(B, *tensor.shape)``.
    """

    def __cinit__(self, *args):
        self.held = []

    cdef void *hold(self, object array) except NULL:
        """Copy `array` to aligned memory that lives as long as the kernel."""
        array = np.ascontiguousarray(array)
        memory = np.zeros(array.nbytes + ALIGNMENT + SLACK, np.uint8)
        cdef size_t address = memory.ctypes.data
        cdef size_t start = (ALIGNMENT - address % ALIGNMENT) % ALIGNMENT
        memory[start : start + array.nbytes] = array.reshape(-1).view(np.uint8)
        self.held.append(memory)
        return <void *> (address + start)

    cdef int set_epilogue(
        self, qh_epilogue *epilogue, object params, object weight_sums
    ) except -1:
        """Fill `epilogue` for a layer with one accumulator a channel."""
        by = params.requantization
        channels = len(weight_sums)
        bias = params.bias.astype(np.int64) - params.input_zero_point * weight_sums
        multiplier = np.broadcast_to(reduced_multipliers(by), channels)
        epilogue.bias = <const int64_t *> self.hold(bias)
        epilogue.multiplier = <const int32_t *> self.hold(multiplier)
        epilogue.shift = <const int32_t *> self.hold(np.broadcast_to(by.shift, channels))
        epilogue.real = NULL
        if by.real is not None:
            epilogue.real = <const double *> self.hold(np.broadcast_to(by.real, channels))
        epilogue.rounding = rounding_code(by.rounding)
        epilogue.zero_point = params.output_zero_point
        epilogue.low, epilogue.high = params.activation_range
        return 0


def reduced_multipliers(by):
    """Multipliers as `qh_requantize` takes them: rounding "wide" has 16 bits of them."""
    if by.rounding != "wide":
        return by.multiplier
    return np.minimum((by.multiplier.astype(np.int64) + (1 << 15)) >> 16, 0x7FFF).astype(np.int32)


cdef int rounding_code(object rounding) except -1:
    return ROUNDING_CODES[rounding]


cdef int set_scale(Scale *scale, object requantization) except -1:
    """Take over a requantization of one channel."""
    scale.multiplier = requantization.multiplier[0]
    scale.shift = requantization.shift[0]
    scale.rounding = rounding_code(requantization.rounding)
    if requantization.real is not None:
        scale.real = requantization.real[0]
    if requantization.rounding == "wide":
        scale.multiplier = min((scale.multiplier + (<int64_t> 1 << 15)) >> 16, 0x7FFF)
    return 0


cdef bint int32_is_enough(object weights, object dtype) except? True:
    """Whether no input can carry a sum of products, one row of `weights` each, out of int32."""
    largest = np.abs(weights.astype(np.int64)).sum(axis=1).max()
    return bool(largest * -int(np.iinfo(dtype).min) < 1 << 31)


cdef int set_window(
    Window *window, object params, object in_shape, object out_shape, object kernel
) except -1:
    """Geometry of a convolution or pooling layer."""
    window.images, window.height, window.width, window.channels = in_shape
    window.out_height, window.out_width = out_shape[1:3]
    window.kernel_height, window.kernel_width = kernel
    window.stride_y, window.stride_x = params.stride
    window.dilation_y, window.dilation_x = getattr(params, "dilation", (1, 1))
    window.top, window.left = params.padding[0][0], params.padding[1][0]
    return 0


cdef int set_walk(Walk *walk, object shape1, object shape2, object shape) except -1:
    """Plan the walk over `shape`, merging neighbouring axes that both operands step evenly."""
    axes = []
    for axis in range(len(shape)):
        ones = [(1,) * (len(shape) - len(s)) + tuple(s) for s in (shape1, shape2)]
        strides = [
            0 if s[axis] == 1 else int(np.prod(s[axis + 1 :], dtype=np.int64)) for s in ones
        ]
        size = int(shape[axis])
        if size == 1:
            continue
        if axes and all(axes[-1][1][i] == size * strides[i] for i in (0, 1)):
            axes[-1] = (axes[-1][0] * size, strides)
        else:
            axes.append((size, strides))
    axes = axes or [(1, [1, 1])]
    walk.rank = len(axes)
    for index, (size, strides) in enumerate(axes):
        walk.size[index] = size
        walk.stride1[index], walk.stride2[index] = strides
    walk.count1 = int(np.prod(shape1, dtype=np.int64))
    walk.count2 = int(np.prod(shape2, dtype=np.int64))
    walk.count = int(np.prod(shape, dtype=np.int64))
    return 0

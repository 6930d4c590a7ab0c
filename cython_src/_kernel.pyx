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
VALUES_A_PART = 4096  # results of an element-wise layer that are worth a thread


cdef class Kernel:
    """One layer prepared for the executor: packed parameters and a C function over them.

    A subclass packs in its constructor ``(params, inputs, outputs)``: the parameter dataclass and
    the `qembed.ir.Tensor` objects of one validated node. All arrays the C function sees are
    C-contiguous with the batch in front, ``(B, *tensor.shape)``.
    """

    def __cinit__(self, *args):
        self.held = []
        self.run_part, self.most_parts = NULL, 1
        self.packed = None

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


cdef int set_walk(Walk *walk, object x1, object x2, object y) except -1:
    """Plan the walk of two operands over the shape of `y`, each a (shape, dtype).

    Neighbouring axes that both operands step evenly are merged.
    """
    shape = y[0]
    axes = []
    for axis in range(len(shape)):
        ones = [(1,) * (len(shape) - len(s)) + tuple(s) for s, _ in (x1, x2)]
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
    walk.item1, walk.item2, walk.item = (np.dtype(dtype).itemsize for _, dtype in (x1, x2, y))
    walk.rank = len(axes)
    for index, (size, strides) in enumerate(axes):
        walk.size[index] = size
        walk.stride1[index] = strides[0] * walk.item1
        walk.stride2[index] = strides[1] * walk.item2
    walk.step1, walk.step2 = axes[-1][1]
    walk.count1, walk.count2, walk.count = (
        int(np.prod(s, dtype=np.int64)) for s, _ in (x1, x2, y)
    )
    return 0


cdef void for_each_row(
    const Walk *walk, const void *x1, const void *x2, void *y
) noexcept nogil:
    """Call the walk's row for every run of the innermost axis of one sample."""
    cdef Py_ssize_t index[MAX_RANK]
    cdef Py_ssize_t at1 = 0
    cdef Py_ssize_t at2 = 0
    cdef int inner = walk.rank - 1
    cdef int axis
    for axis in range(walk.rank):
        index[axis] = 0
    axis = inner
    while axis >= 0:
        walk.row(
            walk.layer, <const char *> x1 + at1, walk.step1, <const char *> x2 + at2, walk.step2,
            y, walk.size[inner],
        )
        y = <char *> y + walk.size[inner] * walk.item
        axis = inner - 1
        while axis >= 0:
            index[axis] += 1
            at1 += walk.stride1[axis]
            at2 += walk.stride2[axis]
            if index[axis] < walk.size[axis]:
                break
            at1 -= index[axis] * walk.stride1[axis]
            at2 -= index[axis] * walk.stride2[axis]
            index[axis] = 0
            axis -= 1


cdef void run_pairs(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t batch
) noexcept nogil:
    cdef const Walk *walk = <const Walk *> data
    cdef Py_ssize_t i
    for i in range(batch):
        for_each_row(
            walk,
            <const char *> inputs[0] + i * walk.count1 * walk.item1,
            <const char *> inputs[1] + i * walk.count2 * walk.item2,
            <char *> outputs[0] + i * walk.count * walk.item,
        )


cdef void run_part_of_pairs(
    const void *data, const void **inputs, void **outputs, void *scratch, Py_ssize_t part,
    Py_ssize_t parts
) noexcept nogil:
    """A piece of the only row."""
    cdef const Walk *walk = <const Walk *> data
    cdef Py_ssize_t first = walk.count * part // parts
    walk.row(
        walk.layer,
        <const char *> inputs[0] + first * walk.step1 * walk.item1, walk.step1,
        <const char *> inputs[1] + first * walk.step2 * walk.item2, walk.step2,
        <char *> outputs[0] + first * walk.item, walk.count * (part + 1) // parts - first,
    )


cdef int plan_pairs(
    Kernel kernel, Walk *walk, row_t row, const void *layer, object inputs, object output
) except -1:
    """Make a kernel of a row function: two tensors, broadcast, to one."""
    x1, x2, y = ((t.shape, t.dtype) for t in (*inputs, output))
    set_walk(walk, x1, x2, y)
    walk.row, walk.layer = row, layer
    kernel.data, kernel.run = walk, run_pairs
    if walk.rank == 1:
        kernel.run_part, kernel.most_parts = run_part_of_pairs, 1 + walk.count // VALUES_A_PART
    return 0

"""Graphs of one random layer, every parameter drawn up to the limits that validation allows.

Importers produce a small part of these; a model file may hold any of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from qembed.arithmetic import Requantization
from qembed.ir import DType, Graph, Node, Tensor
from qembed.ops import OPERATORS
from qembed.ops.add import Add
from qembed.ops.arg_extremum import ArgExtremum
from qembed.ops.average_pool import AveragePool
from qembed.ops.batch_matmul import BatchMatmul
from qembed.ops.broadcast_to import BroadcastTo
from qembed.ops.compare import COMPARISONS, Compare
from qembed.ops.concatenation import Concatenation
from qembed.ops.conv import Conv
from qembed.ops.conv_integer import ConvInteger
from qembed.ops.depthwise_conv import DepthwiseConv
from qembed.ops.dequantize import Dequantize
from qembed.ops.dynamic_quantize import DynamicQuantize
from qembed.ops.extremum import Extremum
from qembed.ops.fully_connected import FullyConnected
from qembed.ops.gather import Gather
from qembed.ops.gather_at import GatherAt
from qembed.ops.l2_normalization import MAX_ROW, L2Normalization
from qembed.ops.log_softmax import LogSoftmax
from qembed.ops.lookup import Lookup
from qembed.ops.lstm import Gate, Lstm
from qembed.ops.matmul_integer import MatmulInteger
from qembed.ops.max_pool import MaxPool
from qembed.ops.mean import Mean
from qembed.ops.mirror_pad import MirrorPad
from qembed.ops.mul import Mul
from qembed.ops.pad import Pad
from qembed.ops.pair_lookup import PairLookup
from qembed.ops.prelu import Prelu
from qembed.ops.quantize import Quantize
from qembed.ops.reduce_extremum import ReduceExtremum
from qembed.ops.reshape import Reshape
from qembed.ops.resize_bilinear import Places, ResizeBilinear
from qembed.ops.resize_nearest import ResizeNearest
from qembed.ops.select import Select
from qembed.ops.sigmoid import Sigmoid
from qembed.ops.softmax import Softmax
from qembed.ops.softmax_int16 import SoftmaxInt16
from qembed.ops.squared_difference import SquaredDifference
from qembed.ops.strided_slice import StridedSlice
from qembed.ops.svdf import Svdf
from qembed.ops.transpose import Transpose
from qembed.ops.transpose_conv import TransposeConv
from qembed.tables import exp_int16, reciprocal_int16, sigmoid_int16
from qembed.validate import validate
from support.draw import choice, integer

Rng = np.random.Generator
Batch = tuple[np.ndarray, ...]


def values(rng: Rng, shape, dtype: str) -> np.ndarray:
    """Uniform, extreme or nearly constant values of a type."""
    if dtype == "float32":
        drawn = rng.normal(0, 10 ** rng.uniform(-3, 3), shape).astype(np.float32)
        special = rng.choice(np.float32([0, -0.0, np.inf, -np.inf, 1e30, 0.5, 2.5, -1.5]), shape)
        return np.where(rng.random(shape) < 0.2, special, drawn)
    if dtype == "bool":
        return rng.random(shape) < 0.5
    limits = np.iinfo(dtype)
    kind = rng.random()
    if kind < 0.3:
        return rng.choice(np.array([limits.min, limits.max, 0], dtype), shape)
    low, high = (limits.min, limits.max) if kind < 0.8 else (-3, 3)
    return rng.integers(max(low, limits.min), high, shape, dtype=dtype, endpoint=True)


def clamp(rng: Rng, dtype: str) -> tuple[int, int]:
    limits = np.iinfo(dtype)
    if rng.random() < 0.6:
        return int(limits.min), int(limits.max)
    low, high = np.sort(rng.integers(limits.min, limits.max, 2, endpoint=True))
    return int(low), int(high)


def zero_point(rng: Rng, dtype: str) -> int:
    limits = np.iinfo(dtype)
    low, high = int(limits.min), int(limits.max)
    return choice(rng, (0, low, high, int(rng.integers(low, high, endpoint=True))))


def requantization(
    rng: Rng, channels: int, rounding: str, right: int, limits: tuple[int, int] = (-31, 30)
) -> Requantization:
    """Shifts mostly near -right, where outputs are neither all zero nor all saturated."""
    count = choice(rng, (1, channels))
    multiplier = rng.integers(1 << 30, 1 << 31, count)
    extreme = rng.choice([0, 1 << 30, (1 << 31) - 1, 0x7FFF8000], count)
    multiplier = np.where(rng.random(count) < 0.2, extreme, multiplier)
    shift = rng.integers(-right - 2, -right + 3, count)
    wild = rng.integers(limits[0], limits[1], count, endpoint=True)
    shift = np.clip(np.where(rng.random(count) < 0.15, wild, shift), *limits)
    return Requantization(multiplier.astype(np.int32), shift.astype(np.int32), rounding)


def graph(op: str, params, inputs: list[Tensor]) -> Graph:
    """Validated graph of one node."""
    inferred = OPERATORS[op].infer(params, *inputs)
    outputs = [Tensor(f"y{i}", shape, dtype) for i, (shape, dtype) in enumerate(inferred)]
    tensors = (*inputs, *outputs)
    n = len(inputs)
    node = Node("layer", op, params, tuple(range(n)), tuple(range(n, len(tensors))))
    given = tuple(i for i, t in enumerate(inputs) if t.data is None)
    return validate(Graph("one", tensors, (node,), given, node.outputs))


def with_batch(rng: Rng, made: Graph) -> tuple[Graph, Batch]:
    batch = integer(rng, 1, 4)
    tensors = [made.tensors[i] for i in made.inputs]
    return made, tuple(values(rng, (batch, *t.shape), t.dtype) for t in tensors)


def sums(rng: Rng, weights_shape, channels: int, taps: int) -> tuple[str, dict]:
    """Type of the activations and the parameters that all layers with sums of products share."""
    dtype, rounding = choice(
        rng, [("int8", "double")] * 3 + [("int8", "single"), ("int16", "wide"), ("int16", "double")]
    )
    bits = choice(rng, (8, 8, 4))
    weights = rng.integers(-(1 << bits - 1), 1 << bits - 1, weights_shape).astype(np.int8)
    if rng.random() < 0.2:
        weights[...] = rng.choice(np.int8([-8, 7]) if bits == 4 else np.int8([-128, 127]))
    size = np.sqrt(taps) * 2 ** (bits - 2) * (60 if dtype == "int8" else 15000)
    reach = 128 * taps * (255 if dtype == "int8" else 65535)
    if rounding != "wide":
        weights //= 1 + (reach >> 30)
    room = (1 << 47 if rounding == "wide" else 1 << 31) - min(reach, 1 << 30) - 1
    limit = room if rng.random() < 0.1 else int(min(2 * size, room))
    bias = rng.integers(-limit, limit, channels, endpoint=True).astype(
        "int64" if rounding == "wide" else "int32"
    )
    right = int(np.log2(size / (40 if dtype == "int8" else 10000)))
    return dtype, {
        "weights": weights,
        "bias": bias,
        "requantization": requantization(
            rng, channels, rounding, right, (-31, 7) if rounding == "wide" else (-31, 30)
        ),
        "input_zero_point": zero_point(rng, dtype),
        "output_zero_point": zero_point(rng, dtype),
        "activation_range": clamp(rng, dtype),
        "weight_bits": bits,
    }


def window(rng: Rng, kernel, dilation=(1, 1), most=9) -> tuple[tuple[int, int], dict]:
    """Height and width of an input that the window fits in, and its stride and padding."""
    padding = tuple((integer(rng, 0, k - 1), integer(rng, 0, k - 1)) for k in kernel)
    size = tuple(
        max(integer(rng, 1, most), (k - 1) * d + 1 - sum(p))
        for k, d, p in zip(kernel, dilation, padding, strict=True)
    )
    stride = integer(rng, 1, 3), integer(rng, 1, 3)
    return size, {"stride": stride, "padding": padding}


def conv(rng: Rng) -> tuple[Graph, Batch]:
    kernel = choice(rng, ((1, 1), (3, 3), (integer(rng, 1, 5), integer(rng, 1, 5))))
    dilation = choice(rng, ((1, 1), (integer(rng, 1, 3), integer(rng, 1, 3))))
    groups = choice(rng, (1, 1, 1, 2, 3))
    in_c = choice(rng, (1, 2, 3, 4, 8, 16, integer(rng, 1, 40)))
    out_c = groups * choice(rng, (1, 8, 16, 64, integer(rng, 1, 12), integer(rng, 1, 150)))
    size, windows = window(rng, kernel, dilation)
    dtype, shared = sums(rng, (out_c, *kernel, in_c), out_c, kernel[0] * kernel[1] * in_c)
    x = Tensor("x", (choice(rng, (1, 1, 2)), *size, in_c * groups), dtype)
    return with_batch(rng, graph("conv", Conv(**shared, **windows, dilation=dilation), [x]))


def depthwise_conv(rng: Rng) -> tuple[Graph, Batch]:
    kernel = choice(rng, ((3, 3), (3, 3), (integer(rng, 1, 5), integer(rng, 1, 5))))
    dilation = choice(rng, ((1, 1), (1, 1), (integer(rng, 1, 3), integer(rng, 1, 3))))
    in_c = choice(rng, (1, 8, 16, 64, 128, integer(rng, 1, 12), integer(rng, 1, 150)))
    out_c = in_c * choice(rng, (1, 1, 1, 2, 3))
    size, windows = window(rng, kernel, dilation)
    dtype, shared = sums(rng, (*kernel, out_c), out_c, kernel[0] * kernel[1])
    x = Tensor("x", (choice(rng, (1, 1, 2)), *size, in_c), dtype)
    params = DepthwiseConv(**shared, **windows, dilation=dilation)
    return with_batch(rng, graph("depthwise_conv", params, [x]))


def fully_connected(rng: Rng) -> tuple[Graph, Batch]:
    in_c = choice(rng, (1, 64, integer(rng, 1, 300)))
    out_c = choice(rng, (1, 16, 64, 128, integer(rng, 1, 200)))
    dtype, shared = sums(rng, (out_c, in_c), out_c, in_c)
    x = Tensor("x", (integer(rng, 1, 3), in_c), dtype)
    params = FullyConnected(**shared, keep_dims=bool(rng.integers(2)))
    return with_batch(rng, graph("fully_connected", params, [x]))


def add(rng: Rng) -> tuple[Graph, Batch]:
    dtype = choice(rng, ("int8", "int8", "int16"))
    shape = tuple(integer(rng, 1, 5) for _ in range(integer(rng, 0, 4)))
    shapes = [shape, shape]
    if rng.random() < 0.6:
        cut = integer(rng, 0, len(shape))
        shapes[1] = tuple(choice(rng, (1, n)) for n in shape[cut:])
    elif rng.random() < 0.5:
        shapes = [(integer(rng, 1, 400),)] * 2
    inputs = [Tensor("x1", shapes[0], dtype), Tensor("x2", shapes[1], dtype)]
    if rng.random() < 0.2:
        inputs[1] = Tensor("x2", shapes[1], dtype, data=values(rng, shapes[1], dtype))
    if rng.random() < 0.5:
        inputs.reverse()
    rounding = choice(rng, ("double", "double", "single"))
    left = choice(rng, (20 if dtype == "int8" else 15, integer(rng, 0, 20)))
    params = Add(
        left,
        requantization(rng, 1, rounding, 1, (-31, 0)),
        requantization(rng, 1, rounding, 1, (-31, 0)),
        requantization(rng, 1, rounding, max(left - 2, 0), (-31, 0)),
        zero_point(rng, dtype),
        zero_point(rng, dtype),
        zero_point(rng, dtype),
        clamp(rng, dtype),
        subtract=bool(rng.integers(2)),
    )
    return with_batch(rng, graph("add", params, inputs))


def pool(rng: Rng, kind) -> tuple[object, Tensor]:
    dtype = choice(rng, ("int8", "int8", "int16"))
    kernel = choice(rng, ((2, 2), (integer(rng, 1, 6), integer(rng, 1, 6)), (25, 5)))
    size, windows = window(rng, kernel)
    channels = choice(rng, (1, 16, 64, integer(rng, 1, 130)))
    x = Tensor("x", (choice(rng, (1, 2)), *size, channels), dtype)
    return kind(kernel, **windows, activation_range=clamp(rng, dtype)), x


def average_pool(rng: Rng) -> tuple[Graph, Batch]:
    params, x = pool(rng, AveragePool)
    return with_batch(rng, graph("average_pool", params, [x]))


def max_pool(rng: Rng) -> tuple[Graph, Batch]:
    params, x = pool(rng, MaxPool)
    return with_batch(rng, graph("max_pool", params, [x]))


def mean(rng: Rng) -> tuple[Graph, Batch]:
    dtype = choice(rng, ("int8", "int8", "int16"))
    shape = tuple(integer(rng, 1, 6) for _ in range(integer(rng, 1, 4)))
    count = integer(rng, 1, len(shape))
    axes = tuple(sorted(int(a) for a in rng.choice(len(shape), count, replace=False)))
    by = requantization(rng, 1, choice(rng, ("double", "single")), 2)
    multiplier = (by.multiplier // integer(rng, 1, 50)).astype(np.int32)
    params = Mean(
        axes,
        bool(rng.integers(2)),
        Requantization(multiplier, by.shift, by.rounding),
        zero_point(rng, dtype),
        zero_point(rng, dtype),
    )
    return with_batch(rng, graph("mean", params, [Tensor("x", shape, dtype)]))


def pad(rng: Rng) -> tuple[Graph, Batch]:
    dtype = choice(rng, ("int8", "int16", "int32"))
    shape = tuple(integer(rng, 1, 4) for _ in range(integer(rng, 1, 5)))
    padding = tuple((integer(rng, 0, 2), integer(rng, 0, 2)) for _ in shape)
    params = Pad(padding, zero_point(rng, dtype))
    return with_batch(rng, graph("pad", params, [Tensor("x", shape, dtype)]))


ANY_TYPE: tuple[DType, ...] = ("int8", "int16", "int32", "float32")


def some_shape(rng: Rng, lowest: int = 0, most: int = 5) -> tuple[int, ...]:
    return tuple(integer(rng, 1, 5) for _ in range(integer(rng, lowest, most)))


def operands(rng: Rng, dtype: DType) -> list[Tensor]:
    """Two inputs that broadcast against each other; sometimes one is a constant."""
    shape = some_shape(rng)
    shapes = [shape, shape]
    if rng.random() < 0.6:
        cut = integer(rng, 0, len(shape))
        shapes[1] = tuple(choice(rng, (1, n)) for n in shape[cut:])
        shapes[0] = tuple(choice(rng, (1, n, n)) for n in shape)
    inputs = [Tensor("x1", shapes[0], dtype), Tensor("x2", shapes[1], dtype)]
    if rng.random() < 0.2:
        inputs[1] = Tensor("x2", shapes[1], dtype, data=values(rng, shapes[1], dtype))
    if rng.random() < 0.5:
        inputs.reverse()
    return inputs


def mul(rng: Rng) -> tuple[Graph, Batch]:
    dtype = choice(rng, ("int8", "int8", "int16"))
    points = [zero_point(rng, dtype) if dtype == "int8" else 0 for _ in range(2)]
    by = requantization(rng, 1, choice(rng, ("double", "single")), 7 if dtype == "int8" else 15)
    params = Mul(by, *points, zero_point(rng, dtype), clamp(rng, dtype))
    return with_batch(rng, graph("mul", params, operands(rng, dtype)))


def extremum(rng: Rng) -> tuple[Graph, Batch]:
    dtype = choice(rng, ("int8", "int16", "int32"))
    return with_batch(rng, graph("extremum", Extremum(bool(rng.integers(2))), operands(rng, dtype)))


def some_axes(rng: Rng, rank: int) -> tuple[int, ...]:
    chosen = rng.choice(rank, integer(rng, 1, rank), replace=False)
    return tuple(sorted(int(axis) for axis in chosen))


def reduce_extremum(rng: Rng) -> tuple[Graph, Batch]:
    shape = some_shape(rng, 1)
    params = ReduceExtremum(
        bool(rng.integers(2)), some_axes(rng, len(shape)), bool(rng.integers(2))
    )
    x = Tensor("x", shape, choice(rng, ("int8", "int16")))
    return with_batch(rng, graph("reduce_extremum", params, [x]))


def arg_extremum(rng: Rng) -> tuple[Graph, Batch]:
    shape = some_shape(rng, 1, 4)
    params = ArgExtremum(bool(rng.integers(2)), integer(rng, 0, len(shape) - 1))
    return with_batch(rng, graph("arg_extremum", params, [Tensor("x", shape, "int8")]))


def lookup(rng: Rng) -> tuple[Graph, Batch]:
    params = Lookup(rng.integers(-128, 128, 256).astype(np.int8))
    return with_batch(rng, graph("lookup", params, [Tensor("x", some_shape(rng), "int8")]))


def concatenation(rng: Rng) -> tuple[Graph, Batch]:
    shape, dtype = some_shape(rng, 1), choice(rng, ANY_TYPE)
    axis = integer(rng, 0, len(shape) - 1)
    sizes = [integer(rng, 1, 4) for _ in range(integer(rng, 1, 4))]
    inputs = [
        Tensor(f"x{i}", (*shape[:axis], n, *shape[axis + 1 :]), dtype) for i, n in enumerate(sizes)
    ]
    return with_batch(rng, graph("concatenation", Concatenation(axis), inputs))


def strided_slice(rng: Rng) -> tuple[Graph, Batch]:
    shape = some_shape(rng)
    picks = []
    for n in shape:
        stride = choice(rng, (1, 1, 2, -1, -2))
        begin = integer(rng, 0, n - 1)
        room = n - 1 - begin if stride > 0 else begin
        picks.append((begin, stride, integer(rng, 1, room // abs(stride) + 1)))
    params = StridedSlice(*(tuple(pick[i] for pick in picks) for i in range(3)))
    x = Tensor("x", shape, choice(rng, ANY_TYPE))
    return with_batch(rng, graph("strided_slice", params, [x]))


def transpose(rng: Rng) -> tuple[Graph, Batch]:
    shape = some_shape(rng, 0, 6)
    params = Transpose(tuple(int(axis) for axis in rng.permutation(len(shape))))
    x = Tensor("x", shape, choice(rng, ANY_TYPE))
    return with_batch(rng, graph("transpose", params, [x]))


def broadcast_to(rng: Rng) -> tuple[Graph, Batch]:
    shape = some_shape(rng)
    given = tuple(choice(rng, (1, n)) for n in shape)[integer(rng, 0, len(shape)) :]
    x = Tensor("x", given, choice(rng, ANY_TYPE))
    return with_batch(rng, graph("broadcast_to", BroadcastTo(shape), [x]))


def gather(rng: Rng) -> tuple[Graph, Batch]:
    shape = some_shape(rng, 1, 4)
    axis = integer(rng, 0, len(shape) - 1)
    indices = rng.integers(0, shape[axis], integer(rng, 1, 6)).astype(np.int32)
    x = Tensor("x", shape, choice(rng, ANY_TYPE))
    return with_batch(rng, graph("gather", Gather(axis, indices), [x]))


def gather_at(rng: Rng) -> tuple[Graph, Batch]:
    """Positions in the axis, just outside, and anything that int32 holds."""
    shape = some_shape(rng, 1, 4)
    axis = integer(rng, 0, len(shape) - 1)
    batch = integer(rng, 0, axis)
    x = Tensor("x", shape, choice(rng, ANY_TYPE))
    if rng.random() < 0.2:
        x = replace(x, data=values(rng, shape, x.dtype))
    positions = Tensor("at", (*shape[:batch], *some_shape(rng, 0, 2)), "int32")
    made, inputs = with_batch(rng, graph("gather_at", GatherAt(axis, batch), [x, positions]))
    near = rng.integers(-1, shape[axis] + 1, inputs[-1].shape).astype(np.int32)
    return made, (*inputs[:-1], np.where(rng.random(near.shape) < 0.8, near, inputs[-1]))


def mirror_pad(rng: Rng) -> tuple[Graph, Batch]:
    shape, repeat = some_shape(rng), bool(rng.integers(2))
    most = [0 if rng.random() < 0.3 else n - (not repeat) for n in shape]
    padding = tuple((integer(rng, 0, n), integer(rng, 0, n)) for n in most)
    x = Tensor("x", shape, choice(rng, ANY_TYPE))
    return with_batch(rng, graph("mirror_pad", MirrorPad(padding, repeat), [x]))


def compare(rng: Rng) -> tuple[Graph, Batch]:
    dtype = choice(rng, ("int8", "int32"))
    comparison = choice(rng, tuple(COMPARISONS))
    points = zero_point(rng, dtype), zero_point(rng, dtype)
    if dtype == "int32":
        params = Compare(comparison, input1_zero_point=points[0], input2_zero_point=points[1])
    else:
        rounding = choice(rng, ("double", "single"))
        by = [requantization(rng, 1, rounding, 1, (-31, 0)) for _ in range(2)]
        if rng.random() < 0.5:
            by[1] = by[0]
        params = Compare(comparison, choice(rng, (8, integer(rng, 0, 8))), *by, *points)
    return with_batch(rng, graph("compare", params, operands(rng, dtype)))


def select(rng: Rng) -> tuple[Graph, Batch]:
    x1, x2 = operands(rng, choice(rng, ("int8", "int16")))
    shape = np.broadcast_shapes(x1.shape, x2.shape)
    given = tuple(choice(rng, (1, n, n)) for n in shape)[integer(rng, 0, len(shape)) :]
    inputs = [Tensor("condition", given, "bool"), x1, x2]
    return with_batch(rng, graph("select", Select(), inputs))


def squared_difference(rng: Rng) -> tuple[Graph, Batch]:
    dtype = choice(rng, ("int8", "int8", "int16"))
    rounding = choice(rng, ("double", "single"))
    left = choice(rng, (7, integer(rng, 0, 7))) if dtype == "int8" else 0
    points = [zero_point(rng, dtype) if dtype == "int8" else 0 for _ in range(3)]
    params = SquaredDifference(
        left,
        requantization(rng, 1, rounding, 2, (-31, -1)),
        requantization(rng, 1, rounding, 2, (-31, -1)),
        requantization(rng, 1, rounding, 16),
        *points,
    )
    return with_batch(rng, graph("squared_difference", params, operands(rng, dtype)))


def prelu(rng: Rng) -> tuple[Graph, Batch]:
    dtype, shape = choice(rng, ("int8", "int8", "int16")), some_shape(rng)
    given = tuple(choice(rng, (1, n, n)) for n in shape)[integer(rng, 0, len(shape)) :]
    rounding = choice(rng, ("double", "single"))
    params = Prelu(
        rng.integers(-255, 256, given).astype(np.int16),
        requantization(rng, 1, rounding, 0),
        requantization(rng, 1, rounding, 7),
        zero_point(rng, dtype),
        zero_point(rng, dtype),
    )
    return with_batch(rng, graph("prelu", params, [Tensor("x", shape, dtype)]))


def rows_shape(rng: Rng, sizes) -> tuple[int, ...]:
    return (*(integer(rng, 1, 3),) * integer(rng, 0, 2), choice(rng, sizes))


def l2_normalization(rng: Rng) -> tuple[Graph, Batch]:
    shape = (MAX_ROW,) if rng.random() < 0.1 else rows_shape(rng, (1, 2, integer(rng, 1, 60)))
    x = Tensor("x", shape, "int8")
    return with_batch(rng, graph("l2_normalization", L2Normalization(zero_point(rng, "int8")), [x]))


def exponents(rng: Rng) -> tuple[int, int, int]:
    """Multiplier, shift and smallest difference of a softmax."""
    shift = integer(rng, 0, 23)
    most = min((1 << 31 - shift) - 1, 400)
    return integer(rng, 1 << 30, (1 << 31) - 1), shift, -integer(rng, 0, most)


def log_softmax(rng: Rng) -> tuple[Graph, Batch]:
    by = exponents(rng)
    params = LogSoftmax(*by, requantization(rng, 1, "double", by[1]))
    x = Tensor("x", rows_shape(rng, (1, 2, integer(rng, 1, 60), 4095)), "int8")
    return with_batch(rng, graph("log_softmax", params, [x]))


def resize_nearest(rng: Rng) -> tuple[Graph, Batch]:
    shape = (choice(rng, (1, 2)), *(integer(rng, 1, 5) for _ in range(3)))
    picked = [rng.integers(0, n, integer(rng, 1, 9)).astype(np.int32) for n in shape[1:3]]
    x = Tensor("x", shape, choice(rng, ("int8", "int16")))
    return with_batch(rng, graph("resize_nearest", ResizeNearest(*picked), [x]))


def places(rng: Rng, size: int) -> Places:
    count = integer(rng, 1, 9)
    low = rng.integers(0, size, count)
    high = np.where(rng.random(count) < 0.3, low, rng.integers(0, size, count))
    fraction = rng.integers(0, 1025, count)
    level = np.where(rng.random(count) < 0.5, -fraction, fraction)
    fraction = np.where(low == high, level, fraction)
    fraction = np.where(rng.random(count) < 0.2, rng.choice([0, 512, 1024], count), fraction)
    return Places(*(a.astype(np.int32) for a in (low, high, fraction)))


def resize_bilinear(rng: Rng) -> tuple[Graph, Batch]:
    shape = (choice(rng, (1, 2)), *(integer(rng, 1, 5) for _ in range(3)))
    params = ResizeBilinear(
        places(rng, shape[1]), places(rng, shape[2]), choice(rng, ("double", "single"))
    )
    x = Tensor("x", shape, choice(rng, ("int8", "int16")))
    return with_batch(rng, graph("resize_bilinear", params, [x]))


def transpose_conv(rng: Rng) -> tuple[Graph, Batch]:
    kernel = integer(rng, 1, 4), integer(rng, 1, 4)
    in_c, out_c = integer(rng, 1, 9), integer(rng, 1, 9)
    dtype, shared = sums(rng, (out_c, *kernel, in_c), out_c, kernel[0] * kernel[1] * in_c)
    params = TransposeConv(
        **shared,
        output_size=(integer(rng, 1, 9), integer(rng, 1, 9)),
        stride=(integer(rng, 1, 3), integer(rng, 1, 3)),
        offset=(integer(rng, 0, 3), integer(rng, 0, 3)),
    )
    shape = (choice(rng, (1, 1, 2)), integer(rng, 1, 5), integer(rng, 1, 5), in_c)
    return with_batch(rng, graph("transpose_conv", params, [Tensor("x", shape, dtype)]))


def batch_matmul(rng: Rng) -> tuple[Graph, Batch]:
    m, k, n = (integer(rng, 1, 6) for _ in range(3))
    batch = some_shape(rng, 0, 3)
    given = [
        tuple(choice(rng, (1, n, n)) for n in batch)[integer(rng, 0, len(batch)) :] for _ in "12"
    ]
    transpose1, transpose2 = bool(rng.integers(2)), bool(rng.integers(2))
    params = BatchMatmul(
        transpose1,
        transpose2,
        requantization(rng, 1, choice(rng, ("double", "single")), 8),
        *(zero_point(rng, "int8") for _ in range(3)),
    )
    inputs = [
        Tensor("x1", (*given[0], *((k, m) if transpose1 else (m, k))), "int8"),
        Tensor("x2", (*given[1], *((n, k) if transpose2 else (k, n))), "int8"),
    ]
    if rng.random() < 0.2:
        inputs[1] = replace(inputs[1], data=values(rng, inputs[1].shape, "int8"))
    return with_batch(rng, graph("batch_matmul", params, inputs))


def sigmoid_table(rng: Rng) -> np.ndarray:
    return sigmoid_int16() if rng.random() < 0.7 else rng.integers(0, 1 << 16, 256, np.uint16)


def sigmoid(rng: Rng) -> tuple[Graph, Batch]:
    params = Sigmoid(
        choice(rng, ("logistic", "tanh")),
        choice(rng, (3, integer(rng, 0, (1 << 15) - 1))),
        choice(rng, (0, integer(rng, 0, 31), integer(rng, 8, 16))),
        sigmoid_table(rng),
    )
    shape = choice(rng, (some_shape(rng), (3000,)))
    return with_batch(rng, graph("sigmoid", params, [Tensor("x", shape, "int16")]))


def softmax_int16(rng: Rng) -> tuple[Graph, Batch]:
    tables = [exp_int16(), reciprocal_int16()]
    if rng.random() < 0.3:
        tables = [rng.integers(0, 1 << 15, 513).astype(np.int16) for _ in range(2)]
        tables[0][512] = max(1, tables[0][512])
    by = requantization(rng, 1, choice(rng, ("double", "single")), 0)
    x = Tensor("x", rows_shape(rng, (1, 2, 12, 1000)), "int16")
    return with_batch(rng, graph("softmax_int16", SoftmaxInt16(by, *tables), [x]))


def stateful(op: str, params, x: Tensor, states: list[Tensor]) -> Graph:
    """Validated graph of one node that reads and writes its states."""
    (shape, dtype), *_ = OPERATORS[op].infer(params, x, *states)
    tensors = (x, *states, Tensor("y", shape, dtype))
    held = tuple(range(1, 1 + len(states)))
    y = len(tensors) - 1
    node = Node("layer", op, params, (0, *held), (y, *held))
    return validate(Graph("one", tensors, (node,), (0,), (y,)))


def svdf(rng: Rng) -> tuple[Graph, Batch]:
    features, units, rank, memory = (integer(rng, 1, 5) for _ in range(4))
    dtype = choice(rng, ("int8", "int16"))
    limits = np.iinfo(dtype)
    filters, batch = units * rank, integer(rng, 1, 2)
    params = Svdf(
        rng.integers(-128, 128, (filters, features)).astype(np.int8),
        rng.integers(limits.min, limits.max, (filters, memory), dtype=dtype, endpoint=True),
        rng.integers(-(2**14), 2**14, units).astype(np.int32),
        rank,
        requantization(rng, 1, "double", 8 if dtype == "int8" else 2),
        requantization(rng, 1, choice(rng, ("double", "single")), 8 if dtype == "int8" else 23),
        zero_point(rng, "int8"),
        zero_point(rng, dtype),
        zero_point(rng, "int8"),
    )
    state = Tensor("state", (batch, filters * memory), dtype, reset_value=params.state_zero_point)
    x = Tensor("x", (batch, features), "int8")
    return with_batch(rng, stateful("svdf", params, x, [state]))


def gate(rng: Rng, cells: int, features: int, dtype: str) -> Gate:
    wide = dtype == "int16"
    by = (1, "wide", 8, (-31, 7)) if wide else (1, "double", 1)
    limit = choice(rng, (1 << 22, 1 << 46)) if wide else 1 << 14
    return Gate(
        rng.integers(-127, 128, (cells, features)).astype(np.int8),
        rng.integers(-127, 128, (cells, cells)).astype(np.int8),
        rng.integers(-limit, limit, cells).astype("int64" if wide else "int32"),
        requantization(rng, *by),
        requantization(rng, *by),
    )


def lstm(rng: Rng) -> tuple[Graph, Batch]:
    cells, features, batch, steps = (integer(rng, 1, 4) for _ in range(4))
    time_major, dtype = bool(rng.integers(2)), choice(rng, ("int8", "int16"))
    params = Lstm(
        *(gate(rng, cells, features, dtype) for _ in range(4)),
        sigmoid_table(rng),
        requantization(rng, 1, "double", 15),
        requantization(rng, 1, "double", 15),
        requantization(rng, 1, "double", 22 if dtype == "int8" else 15),
        choice(rng, (3, 24, integer(rng, 0, (1 << 15) - 1))),
        choice(rng, (0, integer(rng, 0, 31))),
        choice(rng, (32768, 32768, integer(rng, 0, 32767))),
        zero_point(rng, dtype),
        zero_point(rng, dtype),
        time_major,
    )
    states = [
        Tensor("hidden", (batch, cells), dtype, reset_value=params.hidden_zero_point),
        Tensor("cell", (batch, cells), "int16", reset_value=0),
    ]
    shape = (steps, batch, features) if time_major else (batch, steps, features)
    return with_batch(rng, stateful("lstm", params, Tensor("x", shape, dtype), states))


def reshape(rng: Rng) -> tuple[Graph, Batch]:
    dtype = choice(rng, ("int8", "float32", "int16"))
    a, b = integer(rng, 1, 5), integer(rng, 1, 5)
    return with_batch(rng, graph("reshape", Reshape((b, 1, a)), [Tensor("x", (a, b), dtype)]))


def softmax(rng: Rng) -> tuple[Graph, Batch]:
    shift = integer(rng, 0, 23)
    most = min((1 << 31 - shift) - 1, 400)
    params = Softmax(
        integer(rng, 1 << 30, (1 << 31) - 1),
        shift,
        -integer(rng, 0, most),
        choice(rng, ("int8", "int16")),
    )
    shape = (*(integer(rng, 1, 3),) * integer(rng, 0, 2), choice(rng, (1, 2, 12, 1000)))
    return with_batch(rng, graph("softmax", params, [Tensor("x", shape, "int8")]))


def quantize(rng: Rng) -> tuple[Graph, Batch]:
    target = choice(rng, ("int8", "uint8", "int16", "int32"))
    shape = tuple(integer(rng, 1, 5) for _ in range(integer(rng, 0, 3)))
    if rng.random() < 0.5:
        scale = choice(rng, (1.0, float(np.float32(rng.random()))))
        params = Quantize(target, zero_point(rng, target), scale=scale)
        made, inputs = with_batch(rng, graph("quantize", params, [Tensor("x", shape, "float32")]))
        if rng.random() < 0.5:  # as near to ties as float32 comes
            steps = rng.integers(-130, 130, inputs[0].shape) + 0.5
            inputs = ((steps * scale).astype(np.float32),)
        return made, inputs
    source = choice(rng, ("int8", "uint8", "int16", "int32"))
    params = Quantize(
        target,
        zero_point(rng, target),
        requantization=requantization(rng, 1, choice(rng, ("double", "single")), 0),
        input_zero_point=zero_point(rng, source),
    )
    return with_batch(rng, graph("quantize", params, [Tensor("x", shape, source)]))


def dequantize(rng: Rng) -> tuple[Graph, Batch]:
    dtype = choice(rng, ("int8", "uint8", "int16", "int32"))
    params = Dequantize(float(np.float32(10 ** rng.uniform(-30, 28))), zero_point(rng, dtype))
    return with_batch(rng, graph("dequantize", params, [Tensor("x", (3, 5), dtype)]))


def pair_lookup(rng: Rng) -> tuple[Graph, Batch]:
    params = PairLookup(rng.integers(-128, 128, (256, 256)).astype(np.int8))
    return with_batch(rng, graph("pair_lookup", params, operands(rng, "int8")))


def given_point(rng: Rng, name: str) -> Tensor:
    """A zero point that is an input, or a constant."""
    data = values(rng, (), "int8") if rng.random() < 0.4 else None
    return Tensor(name, (), "int8", data=None if data is None else np.array(data, np.int8))


def conv_integer(rng: Rng) -> tuple[Graph, Batch]:
    kernel = integer(rng, 1, 4), integer(rng, 1, 4)
    dilation = choice(rng, ((1, 1), (integer(rng, 1, 3), integer(rng, 1, 3))))
    groups, depth, each = choice(rng, (1, 1, 2, 3)), integer(rng, 1, 9), integer(rng, 1, 5)
    size, windows = window(rng, kernel, dilation)
    weights = values(rng, (groups * each, *kernel, depth), "int8")
    x = Tensor("x", (choice(rng, (1, 1, 2)), *size, depth * groups), "int8")
    params = ConvInteger(weights, **windows, dilation=dilation)
    return with_batch(rng, graph("conv_integer", params, [x, given_point(rng, "point")]))


def matmul_integer(rng: Rng) -> tuple[Graph, Batch]:
    m, k, n = (integer(rng, 1, 6) for _ in range(3))
    batch = some_shape(rng, 0, 3)
    given = [
        tuple(choice(rng, (1, n, n)) for n in batch)[integer(rng, 0, len(batch)) :] for _ in "12"
    ]
    x1, x2 = Tensor("x1", (*given[0], m, k), "int8"), Tensor("x2", (*given[1], k, n), "int8")
    points = [given_point(rng, name) for name in ("p1", "p2")]
    return with_batch(rng, graph("matmul_integer", MatmulInteger(), [x1, x2, *points]))


def dynamic_quantize(rng: Rng) -> tuple[Graph, Batch]:
    """Ranges of every kind; whole numbers over a range of 255 or 127.5 make ties."""
    shape = some_shape(rng)
    x = Tensor("x", shape, "float32")
    made, (inputs,) = with_batch(rng, graph("dynamic_quantize", DynamicQuantize(), [x]))
    kind = rng.random()
    if kind < 0.5:
        low = choice(rng, (0, -255, -100, -127.5))
        steps = rng.integers(0, 511, inputs.shape) / 2 + low
        inputs = steps.astype(np.float32)
        inputs.reshape(len(inputs), -1)[:, 0] = low
        inputs.reshape(len(inputs), -1)[:, -1] = low + 255
    elif kind < 0.7:
        inputs = np.abs(inputs) * choice(rng, (1, -1))
    return made, (inputs.astype(np.float32),)


LAYERS: dict[str, Callable[[Rng], tuple[Graph, Batch]]] = {
    "add": add,
    "average_pool": average_pool,
    "conv": conv,
    "depthwise_conv": depthwise_conv,
    "dequantize": dequantize,
    "fully_connected": fully_connected,
    "max_pool": max_pool,
    "mean": mean,
    "pad": pad,
    "quantize": quantize,
    "reshape": reshape,
    "softmax": softmax,
    "arg_extremum": arg_extremum,
    "broadcast_to": broadcast_to,
    "concatenation": concatenation,
    "extremum": extremum,
    "gather": gather,
    "gather_at": gather_at,
    "lookup": lookup,
    "mirror_pad": mirror_pad,
    "mul": mul,
    "reduce_extremum": reduce_extremum,
    "strided_slice": strided_slice,
    "transpose": transpose,
    "compare": compare,
    "select": select,
    "squared_difference": squared_difference,
    "prelu": prelu,
    "l2_normalization": l2_normalization,
    "log_softmax": log_softmax,
    "resize_nearest": resize_nearest,
    "resize_bilinear": resize_bilinear,
    "transpose_conv": transpose_conv,
    "batch_matmul": batch_matmul,
    "sigmoid": sigmoid,
    "softmax_int16": softmax_int16,
    "svdf": svdf,
    "lstm": lstm,
    "pair_lookup": pair_lookup,
    "conv_integer": conv_integer,
    "matmul_integer": matmul_integer,
    "dynamic_quantize": dynamic_quantize,
}

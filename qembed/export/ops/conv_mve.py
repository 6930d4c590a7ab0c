"""CONV_2D for Helium: preconditions and packing."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from qembed.arithmetic import Int64Array
from qembed.export.lowering import CArray, Lowering, Value
from qembed.export.ops import _mve, _tuned
from qembed.ir import Graph, Node, Shape
from qembed.ops.conv import Conv
from qembed.plan import Overlap
from qembed.plan.layout import NHWC, Orders
from qembed.plan.overlap import overlap_of, windowed

TILE_PIXELS = 3
MAX_OFFSET = 255
"""Between the taps of a vector that is gathered."""
_NO_GATHER: Mapping[str, Value] = {"bases": None, "offsets": None, "line_bytes": 0}


def refusal(params: Conv, shape: Shape, dtype: str, orders: Orders) -> str | None:
    """Why the kernels cannot run a layer of this input shape, or None if they can."""
    if dtype != "int8" or params.weight_bits != 8 or shape[0] != 1 or orders != NHWC:
        return "needs one int8 image in NHWC and 8-bit weights"
    if shape[3] != params.weights.shape[3]:
        return "has no groups"
    taps = params.weights.reshape(params.weights.shape[0], -1)
    if not _mve.requantizes(params.requantization):
        return "needs double rounding and right shifts"
    if not _mve.accumulates(taps, params.input_zero_point, params.bias):
        return "needs biases that fit a word"
    return None


def lower(node: Node, graph: Graph, orders: Orders) -> Lowering | None:
    """Lower a layer, or None if it must run as another variant."""
    x, y = graph.tensors[node.inputs[0]], graph.tensors[node.outputs[0]]
    if refusal(node.params, x.shape, x.dtype, orders) is not None:
        return None
    return lower_layer(node.params, x.shape, y.shape)


def lower_layer(params: Conv, x: Shape, y: Shape) -> Lowering:
    """Lower a layer that is not refused, from NHWC shapes `x` to `y`."""
    taps = params.weights.reshape(params.weights.shape[0], -1)
    kernel = _kernel(params, x)
    line, gather = 0, _NO_GATHER
    if kernel == "gather_":
        line = line_bytes(params, x, y)
        offsets = _offsets(params, x, line)
        vectors = gathered(offsets)
        gather = {**_gather_fields(offsets, vectors), "line_bytes": line}
        taps = _spread(taps, vectors)
    taps = _mve.pad(taps, _mve.LANES, 1)
    count = taps.shape[1] // _mve.LANES
    lowering = Lowering(
        stem="conv",
        variant="mve",
        function=f"qe_conv_{kernel}mve",
        params_type="qe_conv_mve_params",
        fields={
            "input": _tuned.shape(x),
            "output": _tuned.shape(y),
            "kernel": _tuned.size(params.weights.shape[1:3]),
            "stride": _tuned.size(params.stride),
            "dilation": _tuned.size(params.dilation),
            "padding": {"h": params.padding[0][0], "w": params.padding[1][0]},
            "input_zero_point": params.input_zero_point,
            "backward": 0,
            "vectors": count,
            "records": CArray("records", "int32_t", records(params, taps)),
            "quantization": _mve.output_fields(params.output_zero_point, params.activation_range),
            **gather,
        },
        sources=("mve/qe_conv.c",),
        headers=("qe_conv_mve.h", "qe_mve.h"),
        scratch_bytes=TILE_PIXELS * _mve.LANES * count + params.weights.shape[1] * line,
    )
    overlaps = [_overlap(params, x, y, line > 0, backward) for backward in (False, True)]
    return _mve.both_ways(lowering, *overlaps)


def _kernel(params: Conv, x: Shape) -> str:
    if _tuned.is_pointwise(params):
        return "1x1_"
    return "" if x[3] % _mve.LANES == 0 else "gather_"


def records(params: Conv, taps: NDArray[np.int8]) -> NDArray[np.int32]:
    """Pack as ``qe_conv_mve_params.records`` describes; taps (O, whole vectors)."""
    filled = _mve.pad(taps, 4, 0).reshape(-1, 4, taps.shape[1] // _mve.LANES, _mve.LANES)
    pairs = filled[:, [0, 2, 1, 3]].reshape(len(filled), 2, 2, -1, _mve.LANES)
    words = np.ascontiguousarray(pairs.transpose(0, 1, 3, 2, 4)).reshape(len(filled), -1)
    tails = _mve.tails(taps, params.input_zero_point, params.bias, params.requantization)
    tails = _mve.pad(tails, 4, 1).reshape(3, -1, 4).transpose(1, 0, 2).reshape(len(filled), 12)
    return np.concatenate([words.view("<i4"), tails], axis=1)


def line_bytes(params: Conv, x: Shape, y: Shape) -> int:
    """Length of a padded row, up to where the last window ends; 0 if nothing is padded."""
    if params.padding == ((0, 0), (0, 0)):
        return 0
    reach = (y[2] - 1) * params.stride[1] + (params.weights.shape[2] - 1) * params.dilation[1] + 1
    columns = int(max(params.padding[1][0] + x[2], reach))
    return columns * x[3]


def gathered(offsets: Int64Array) -> list[tuple[int, int]]:
    """First and last tap, exclusive, of each vector: in order, as many as one can reach."""
    vectors, first = [], 0
    for tap in range(1, offsets.size + 1):
        full = tap == offsets.size or tap - first == _mve.LANES
        if full or offsets[tap] - offsets[first] > MAX_OFFSET:
            vectors.append((first, tap))
            first = tap
    return vectors


def _offsets(params: Conv, x: Shape, line: int) -> Int64Array:
    """Where the taps of a window lie, from its first one."""
    _, kernel_h, kernel_w, channels = params.weights.shape
    row = line if line else params.dilation[0] * x[2] * channels
    rows, columns = np.arange(kernel_h) * row, np.arange(kernel_w) * params.dilation[1] * channels
    found: Int64Array = rows[:, None, None] + columns[:, None] + np.arange(channels)
    return found.reshape(-1)


def _gather_fields(offsets: Int64Array, vectors: list[tuple[int, int]]) -> dict[str, Value]:
    bases = np.array([offsets[first] for first, _ in vectors], np.int32)
    inside = np.zeros((len(vectors), _mve.LANES), np.uint8)
    for vector, (first, end) in zip(inside, vectors, strict=True):
        vector[: end - first] = offsets[first:end] - offsets[first]
    return {
        "bases": CArray("bases", "int32_t", bases),
        "offsets": CArray("offsets", "uint8_t", inside),
    }


def _spread(taps: NDArray[np.int8], vectors: list[tuple[int, int]]) -> NDArray[np.int8]:
    """Bring weights, (O, taps), to the places of their taps in vectors."""
    spread = np.zeros((len(taps), len(vectors), _mve.LANES), np.int8)
    for n, (first, end) in enumerate(vectors):
        spread[:, n, : end - first] = taps[:, first:end]
    return spread.reshape(len(taps), -1)


def _overlap(params: Conv, x: Shape, y: Shape, lines: bool, backward: bool) -> Overlap:
    """State the order: the taps of a tile, or all rows that its pixels see, then its outputs."""
    pixel = np.arange(y[1] * y[2]).reshape(1, y[1], y[2])
    if backward:
        pixel = pixel[:, ::-1, ::-1]
    tile = pixel // TILE_PIXELS
    seen = np.broadcast_to(tile.min(axis=2, keepdims=True), tile.shape) if lines else tile
    corner = (params.padding[0][0], params.padding[1][0])
    kernel = params.weights.shape[1:3]
    last = windowed(x, y, (kernel[0], kernel[1]), params.stride, params.dilation, corner, seen)
    return overlap_of(_tuned.in_order(last, x[3], "nhwc"), _tuned.in_order(tile, y[3], "nhwc"))

"""CONV_2D for Helium: preconditions and packing."""

from __future__ import annotations

import numpy as np

from qembed.export.lowering import CArray, Lowering
from qembed.export.ops import _mve, _tuned
from qembed.ir import Graph, Node, Shape
from qembed.ops.conv import Conv
from qembed.plan import Overlap
from qembed.plan.layout import NHWC, Orders
from qembed.plan.overlap import overlap_of, windowed

TILE_PIXELS = 2


def refusal(params: Conv, shape: Shape, dtype: str, orders: Orders) -> str | None:
    """Why the kernel cannot run a layer of this input shape, or None if it can."""
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
    params: Conv = node.params
    x, y = graph.tensors[node.inputs[0]], graph.tensors[node.outputs[0]]
    if refusal(params, x.shape, x.dtype, orders) is not None:
        return None
    taps = params.weights.reshape(params.weights.shape[0], -1)
    vectors = -(-taps.shape[1] // _mve.LANES)
    run = params.weights.shape[2] * x.shape[3]
    direct = x.shape[3] % 4 == 0 and run % _mve.LANES == 0 and params.dilation[1] == 1
    packed = _mve.records(taps, params.input_zero_point, params.bias, params.requantization)
    return Lowering(
        stem="conv",
        variant="mve",
        function="qe_conv_mve",
        params_type="qe_conv_mve_params",
        fields={
            "input": _tuned.shape(x.shape),
            "output": _tuned.shape(y.shape),
            "kernel": _tuned.size(params.weights.shape[1:3]),
            "stride": _tuned.size(params.stride),
            "dilation": _tuned.size(params.dilation),
            "padding": {"h": params.padding[0][0], "w": params.padding[1][0]},
            "input_zero_point": params.input_zero_point,
            "vectors": vectors,
            "row_vectors": run // _mve.LANES if direct else 0,
            "records": CArray("records", "int32_t", packed),
            "quantization": _mve.output_fields(params.output_zero_point, params.activation_range),
        },
        sources=("mve/qe_conv.c",),
        headers=("qe_conv_mve.h", "qe_mve.h"),
        scratch_bytes=32 * vectors,
        overlaps=(_overlap(params, x.shape, y.shape, direct),),
    )


def _overlap(params: Conv, x: Shape, y: Shape, direct: bool) -> Overlap:
    """State the order: two pixels are read, then written; a direct one group of four at a time."""
    tile = np.arange(y[1] * y[2]).reshape(1, y[1], y[2]) // TILE_PIXELS
    corner = (params.padding[0][0], params.padding[1][0])
    kernel = params.weights.shape[1:3]
    last = windowed(x, y, (kernel[0], kernel[1]), params.stride, params.dilation, corner, tile)
    if not direct:
        return overlap_of(_tuned.in_order(last, x[3], "nhwc"), _tuned.in_order(tile, y[3], "nhwc"))
    groups = -(-y[3] // 4)
    written = tile[..., None] * groups + np.arange(y[3]) // 4
    last_read = np.where(last < 0, last, last * groups + groups - 1)
    return overlap_of(_tuned.in_order(last_read, x[3], "nhwc"), written)

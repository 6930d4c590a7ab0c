"""CONV_2D for cores without DSP instructions: preconditions and packing."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from qembed.export.lowering import CArray, Lowering
from qembed.export.ops import _m0, _tuned
from qembed.ir import Graph, Node, Shape
from qembed.ops.conv import Conv
from qembed.plan import Overlap
from qembed.plan.layout import Orders
from qembed.plan.overlap import overlap_of, windowed

TILE_PIXELS = 5


def refusal(params: Conv, shape: Shape, dtype: str, orders: Orders) -> str | None:
    """Why the kernels cannot run a layer of this input shape, or None if they may."""
    if dtype != "int8" or params.weight_bits != 8 or shape[0] != 1:
        return "needs one int8 image and 8-bit weights"
    if shape[3] != params.weights.shape[3]:
        return "has no groups"
    if orders.inputs == "planar" and not _tuned.is_pointwise(params):
        return "reads planes only in 1x1 convolutions of stride 1"
    return None


def lower(node: Node, graph: Graph, orders: Orders) -> Lowering | None:
    """Lower a layer, or None if it must run as another variant."""
    params: Conv = node.params
    x, y = graph.tensors[node.inputs[0]], graph.tensors[node.outputs[0]]
    if refusal(params, x.shape, x.dtype, orders) is not None:
        return None
    return lower_layer(params, x.shape, y.shape, orders)


def lower_layer(params: Conv, x: Shape, y: Shape, orders: Orders) -> Lowering | None:
    """Lower a layer that is not refused, from NHWC shapes `x` to `y`; None without exact steps."""
    taps = params.weights.reshape(params.weights.shape[0], -1)
    steps = _steps(params)
    if steps is None:
        return None
    packed = records(params, taps, steps)
    planar_in, planar_out = orders.inputs == "planar", orders.outputs == "planar"
    return Lowering(
        stem="conv",
        variant="m0",
        function="qe_conv_1x1_planar_m0" if planar_in else "qe_conv_m0",
        params_type="qe_conv_m0_params",
        fields={
            "input": _tuned.shape(x),
            "output": _tuned.shape(y),
            "kernel": _tuned.size(params.weights.shape[1:3]),
            "stride": _tuned.size(params.stride),
            "dilation": _tuned.size(params.dilation),
            "padding": {"h": params.padding[0][0], "w": params.padding[1][0]},
            "input_zero_point": params.input_zero_point,
            "taps": taps.shape[1],
            "records": CArray("records", "uint32_t", packed),
            "head_words": 1 + steps.words.shape[1],
            "record_words": packed.shape[1],
            "requantization": _m0.output_fields(steps, params.activation_range),
            "channel_step": y[1] * y[2] if planar_out else 1,
            "pixel_step": 1 if planar_out else y[3],
        },
        sources=("m0/qe_conv.c",),
        headers=("qe_conv_m0.h", "qe_m0.h"),
        scratch_bytes=20 * (taps.shape[1] + 1) + (0 if planar_in else taps.shape[1]),
        overlaps=(_overlap(params, x, y, orders),),
    )


@lru_cache(maxsize=4)
def _steps(params: Conv) -> _m0.Steps | None:
    taps = params.weights.reshape(params.weights.shape[0], -1)
    ends = _m0.reachable(taps, params.bias, params.input_zero_point)
    return _m0.find_steps(
        params.requantization, params.output_zero_point, params.activation_range, *ends
    )


def records(params: Conv, taps: NDArray[np.int8], steps: _m0.Steps) -> NDArray[np.uint32]:
    """Pack the layer as ``qe_conv_m0_params.records`` describes."""
    folded = params.bias - params.input_zero_point * taps.astype(np.int64).sum(1)
    shifted = (taps.astype(np.int16) + 128).astype(np.uint8)
    words = np.pad(shifted, ((0, 0), (0, -taps.shape[1] % 4))).view("<u4")
    return np.concatenate([_m0.heads(steps, folded), words], axis=1)


def _overlap(params: Conv, x: Shape, y: Shape, orders: Orders) -> Overlap:
    """State the order: a tile of pixels is read, then written, in all channels."""
    tile = np.arange(y[1] * y[2]).reshape(1, y[1], y[2]) // TILE_PIXELS
    corner = (params.padding[0][0], params.padding[1][0])
    kernel = params.weights.shape[1:3]
    last = windowed(x, y, (kernel[0], kernel[1]), params.stride, params.dilation, corner, tile)
    return overlap_of(
        _tuned.in_order(last, x[3], orders.inputs), _tuned.in_order(tile, y[3], orders.outputs)
    )

"""DEPTHWISE_CONV_2D for Helium: preconditions and packing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qembed.export.lowering import CArray, Lowering
from qembed.export.ops import _mve, _tuned
from qembed.ir import Graph, Node, Shape
from qembed.ops.depthwise_conv import DepthwiseConv
from qembed.plan import Overlap
from qembed.plan.layout import NHWC, Orders
from qembed.plan.overlap import overlap_of, windowed

CHANNELS = 8
"""Channels that the kernel computes at a time."""


def refusal(params: DepthwiseConv, shape: Shape, dtype: str, orders: Orders) -> str | None:
    """Why the kernel cannot run a layer of this input shape, or None if it can."""
    if dtype != "int8" or params.weight_bits != 8 or shape[0] != 1 or orders != NHWC:
        return "needs one int8 image in NHWC and 8-bit weights"
    if params.weights.shape[2] != shape[3]:
        return "has one output channel for each input channel"
    if bool(np.any(params.weights == -128)):
        return "adds two products in a halfword"
    taps = params.weights.reshape(-1, shape[3]).T
    if not _mve.requantizes(params.requantization):
        return "needs double rounding and right shifts"
    if not _mve.accumulates(taps, params.input_zero_point, params.bias):
        return "needs biases that fit a word"
    return None


def lower(node: Node, graph: Graph, orders: Orders) -> Lowering | None:
    """Lower a layer, or None if it must run as another variant."""
    params: DepthwiseConv = node.params
    x, y = graph.tensors[node.inputs[0]], graph.tensors[node.outputs[0]]
    if refusal(params, x.shape, x.dtype, orders) is not None:
        return None
    kernel = params.weights.shape[:2]
    pairs = (kernel[0] * kernel[1] + 1) // 2
    return Lowering(
        stem="depthwise_conv",
        variant="mve",
        function="qe_depthwise_conv_mve",
        params_type="qe_depthwise_conv_mve_params",
        fields={
            "input": _tuned.shape(x.shape),
            "output": _tuned.shape(y.shape),
            "kernel": _tuned.size(kernel),
            "stride": _tuned.size(params.stride),
            "dilation": _tuned.size(params.dilation),
            "padding": {"h": params.padding[0][0], "w": params.padding[1][0]},
            "input_zero_point": params.input_zero_point,
            "pairs": pairs,
            "records": CArray("records", "int32_t", records(params)),
            "quantization": _mve.output_fields(params.output_zero_point, params.activation_range),
        },
        sources=("mve/qe_depthwise_conv.c",),
        headers=("qe_depthwise_conv_mve.h", "qe_mve.h"),
        scratch_bytes=8 * pairs + x.shape[3],
        overlaps=(_overlap(params, x.shape, y.shape),),
    )


def records(params: DepthwiseConv) -> NDArray[np.int32]:
    """Pack the layer as ``qe_depthwise_conv_mve_params.records`` describes."""
    channels = params.weights.shape[2]
    taps = params.weights.reshape(-1, channels)
    filled = _mve.pad(_mve.pad(taps, 2, 0), CHANNELS, 1)
    blocks = filled.reshape(len(filled), -1, CHANNELS).transpose(1, 0, 2)
    words = np.ascontiguousarray(blocks).reshape(len(blocks), -1).view("<i4")
    by = params.requantization
    tail = np.stack(
        [
            _mve.fold(taps.T, params.input_zero_point, params.bias),
            np.broadcast_to(by.multiplier, channels),
            np.broadcast_to(by.shift, channels),
        ]
    )
    # (3, blocks, 4, even or odd) to (blocks, even or odd, 3, 4)
    tails = _mve.pad(tail, CHANNELS, 1).reshape(3, -1, 4, 2).transpose(1, 3, 0, 2)
    return np.concatenate([words, tails.reshape(len(words), -1).astype(np.int32)], axis=1)


def _overlap(params: DepthwiseConv, x: Shape, y: Shape) -> Overlap:
    """State the order: pixel by pixel, eight channels are read, then written."""
    position = np.arange(y[1] * y[2]).reshape(1, y[1], y[2])
    corner = (params.padding[0][0], params.padding[1][0])
    kernel = params.weights.shape[:2]
    last = windowed(x, y, (kernel[0], kernel[1]), params.stride, params.dilation, corner, position)[
        ..., None
    ]
    group = np.arange(x[3]) // CHANNELS
    written = position[..., None] * x[3] + group
    return overlap_of(np.where(last < 0, last, last * x[3] + group), written)

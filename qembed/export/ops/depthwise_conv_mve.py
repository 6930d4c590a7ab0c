"""DEPTHWISE_CONV_2D for Helium: preconditions and packing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qembed.export.lowering import CArray, Lowering
from qembed.export.ops import _mve, _tuned, conv_mve
from qembed.ir import Graph, Node, Shape
from qembed.ops.conv import Conv
from qembed.ops.depthwise_conv import DepthwiseConv
from qembed.plan import Overlap
from qembed.plan.layout import NHWC, Orders
from qembed.plan.overlap import overlap_of, windowed

CHANNELS = 8
"""Channels that the kernel for any size computes at a time."""

STRIP_CHANNELS = 16
STRIP_COLUMNS = 26
"""Of the input: a longer strip pays little and would show in the arena."""
COLUMN_BYTES = 4 * STRIP_CHANNELS


def refusal(params: DepthwiseConv, shape: Shape, dtype: str, orders: Orders) -> str | None:
    """Why the kernels cannot run a layer of this input shape, or None if they can."""
    if dtype != "int8" or params.weight_bits != 8 or shape[0] != 1 or orders != NHWC:
        return "needs one int8 image in NHWC and 8-bit weights"
    if params.weights.shape[2] != shape[3] and shape[3] != 1:
        return "has one output channel for each input channel, or one input channel"
    if _kernel(params, shape) == "any" and bool(np.any(params.weights == -128)):
        return "adds two products in a halfword"
    taps = params.weights.reshape(-1, params.weights.shape[2]).T
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
    lowerings = {"conv": _lower_conv, "3x3": _lower_3x3, "any": _lower_any}
    return lowerings[_kernel(params, x.shape)](params, x.shape, y.shape)


def _kernel(params: DepthwiseConv, x: Shape) -> str:
    if x[3] == 1:
        return "conv"
    return "3x3" if _tuned.is_3x3(params) else "any"


def _lower_conv(params: DepthwiseConv, x: Shape, y: Shape) -> Lowering:
    """Of one input channel all output channels are a plain convolution."""
    same = Conv(
        weights=params.weights.transpose(2, 0, 1)[..., None],
        bias=params.bias,
        requantization=params.requantization,
        stride=params.stride,
        padding=params.padding,
        input_zero_point=params.input_zero_point,
        output_zero_point=params.output_zero_point,
        activation_range=params.activation_range,
        dilation=params.dilation,
    )
    return conv_mve.lower_layer(same, x, y)


def _lower_3x3(params: DepthwiseConv, x: Shape, y: Shape) -> Lowering:
    columns, strip = plan_strip(params.stride[1], y[2])
    scratch = COLUMN_BYTES * (1 + strip)
    lowering = _lowering(params, x, y, "3x3_", records_3x3(params), scratch, columns)
    overlaps = [_overlap_3x3(params, x, y, columns, backward) for backward in (False, True)]
    return _mve.both_ways(lowering, *overlaps)


def _lower_any(params: DepthwiseConv, x: Shape, y: Shape) -> Lowering:
    taps = params.weights.shape[0] * params.weights.shape[1]
    scratch = 4 * ((taps + 1) // 2 * 2 + 1) + x[3]
    lowering = _lowering(params, x, y, "", records(params), scratch)
    overlaps = [_overlap(params, x, y, backward) for backward in (False, True)]
    return _mve.both_ways(lowering, *overlaps)


def _lowering(
    params: DepthwiseConv,
    x: Shape,
    y: Shape,
    suffix: str,
    packed: NDArray[np.int32],
    scratch: int,
    columns: int = 0,
) -> Lowering:
    return Lowering(
        stem="depthwise_conv",
        variant="mve",
        function=f"qe_depthwise_conv_{suffix}mve",
        params_type="qe_depthwise_conv_mve_params",
        fields={
            "input": _tuned.shape(x),
            "output": _tuned.shape(y),
            "kernel": _tuned.size(params.weights.shape[:2]),
            "stride": _tuned.size(params.stride),
            "dilation": _tuned.size(params.dilation),
            "padding": {"h": params.padding[0][0], "w": params.padding[1][0]},
            "input_zero_point": params.input_zero_point,
            "backward": 0,
            "columns": columns,
            "records": CArray("records", "int32_t", packed),
            "quantization": _mve.output_fields(params.output_zero_point, params.activation_range),
        },
        sources=(f"mve/qe_depthwise_conv{suffix and '_3x3'}.c",),
        headers=("qe_depthwise_conv_mve.h", "qe_mve.h"),
        scratch_bytes=scratch,
    )


def plan_strip(stride: int, width: int) -> tuple[int, int]:
    """Output columns that one strip serves, and columns of the strip."""
    most = (STRIP_COLUMNS - 2) // stride
    columns = -(-width // -(-width // most))
    outputs = columns + -columns % (2 if stride == 1 else 4)  # of whole tiles
    return columns, 2 + stride * outputs


def records(params: DepthwiseConv) -> NDArray[np.int32]:
    """Pack the layer as ``qe_depthwise_conv_mve`` describes."""
    channels = params.weights.shape[2]
    taps = params.weights.reshape(-1, channels)
    filled = _mve.pad(_mve.pad(taps, 2, 0), CHANNELS, 1)
    blocks = filled.reshape(len(filled), -1, CHANNELS).transpose(1, 0, 2)
    words = np.ascontiguousarray(blocks).reshape(len(blocks), -1).view("<i4")
    tails = _mve.tails(taps.T, params.input_zero_point, params.bias, params.requantization)
    # (3, blocks, 4, even or odd) to (blocks, even or odd, 3, 4)
    tails = _mve.pad(tails, CHANNELS, 1).reshape(3, -1, 4, 2).transpose(1, 3, 0, 2)
    return np.concatenate([words, tails.reshape(len(words), -1)], axis=1)


def records_3x3(params: DepthwiseConv) -> NDArray[np.int32]:
    """Pack the layer as ``qe_depthwise_conv_3x3_mve`` describes."""
    channels = params.weights.shape[2]
    tails = _mve.tails(
        params.weights.reshape(9, channels).T,
        params.input_zero_point,
        params.bias,
        params.requantization,
    )
    columns = np.zeros((channels, 3, 4), np.int8)
    columns[..., :3] = params.weights.transpose(2, 1, 0)
    columns[:, 0, 3] = tails[2]
    words = columns.reshape(channels, -1).view("<i4")
    return np.concatenate([words, tails[:2].T], axis=1)


def _overlap(params: DepthwiseConv, x: Shape, y: Shape, backward: bool) -> Overlap:
    """State the order: pixel by pixel, eight channels are read, then written."""
    position = np.arange(y[1] * y[2]).reshape(1, y[1], y[2])
    if backward:
        position = position[:, ::-1, ::-1]
    return _in_blocks(params, x, y, position, x[3], np.arange(x[3]) // CHANNELS)


def _overlap_3x3(
    params: DepthwiseConv, x: Shape, y: Shape, columns: int, backward: bool
) -> Overlap:
    """State the order: band by band of rows, 16 channels, a strip is read, then written."""
    rows = 2 if params.stride[0] == 1 else 1
    band = np.arange(y[1]) // rows
    if backward:
        band = band.max() - band
    strips = -(-y[2] // columns)
    blocks = -(-x[3] // STRIP_CHANNELS)
    step = (band[:, None] * blocks * strips + np.arange(y[2]) // columns)[None]
    return _in_blocks(params, x, y, step, 1, np.arange(x[3]) // STRIP_CHANNELS * strips)


def _in_blocks(
    params: DepthwiseConv,
    x: Shape,
    y: Shape,
    position: NDArray[np.int64],
    scale: int,
    block: NDArray[np.int64],
) -> Overlap:
    """Overlap of a kernel that runs a channel of a pixel in step ``position * scale + block``."""
    corner = (params.padding[0][0], params.padding[1][0])
    kernel = params.weights.shape[:2]
    size = (kernel[0], kernel[1])
    last = windowed(x, y, size, params.stride, params.dilation, corner, position)[..., None]
    return overlap_of(
        np.where(last < 0, last, last * scale + block), position[..., None] * scale + block
    )

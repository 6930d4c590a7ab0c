"""DEPTHWISE_CONV_2D for cores without DSP instructions: preconditions and packing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from qembed.export.lowering import CArray, Lowering
from qembed.export.ops import _m0, _tuned
from qembed.ir import Graph, Node, Shape
from qembed.ops.depthwise_conv import DepthwiseConv
from qembed.plan.layout import Orders

WINDOW_WORDS = 192
"""A window this large slides seldom enough; a larger one would show in the arena."""

STEP = 5
"""Outputs that the 3x3 kernel computes at a time."""


@dataclass(frozen=True, slots=True)
class Window:
    """The padded rows that a plane is read through; fields as in qe_depthwise_conv_m0.h."""

    band: int
    row_words: int
    even_words: int
    rows: int


def refusal(params: DepthwiseConv, shape: Shape, dtype: str, orders: Orders) -> str | None:
    """Why the kernels cannot run a layer of this input shape, or None if they may."""
    if dtype != "int8" or params.weight_bits != 8 or shape[0] != 1:
        return "needs one int8 image and 8-bit weights"
    if orders.inputs != "planar" or orders.outputs != "planar":
        return "needs activations in planes"
    return None


def lower(node: Node, graph: Graph, orders: Orders) -> Lowering | None:
    """Lower a layer, or None if it must run as another variant."""
    params: DepthwiseConv = node.params
    x, y = graph.tensors[node.inputs[0]], graph.tensors[node.outputs[0]]
    if refusal(params, x.shape, x.dtype, orders) is not None:
        return None
    steps = _steps(params)
    if steps is None:
        return None
    window = plan_window(params, x.shape, y.shape)
    packed = records(params, steps)
    return Lowering(
        stem="depthwise_conv",
        variant="m0",
        function=f"qe_depthwise_conv_{'3x3_' if is_3x3(params) else ''}m0",
        params_type="qe_depthwise_conv_m0_params",
        fields={
            "input": _tuned.shape(x.shape),
            "output": _tuned.shape(y.shape),
            "kernel": _tuned.size(params.weights.shape[:2]),
            "stride": _tuned.size(params.stride),
            "dilation": _tuned.size(params.dilation),
            "padding": {"h": params.padding[0][0], "w": params.padding[1][0]},
            "channel_outputs": y.shape[3] // x.shape[3],
            "input_zero_point": params.input_zero_point,
            "band": window.band,
            "row_words": window.row_words,
            "even_words": window.even_words,
            "record_words": packed.shape[1],
            "head_words": 1 + steps.words.shape[1],
            "records": CArray("records", "uint32_t", packed),
            "requantization": _m0.output_fields(steps, params.activation_range),
        },
        sources=("m0/qe_depthwise_conv.c",),
        headers=("qe_depthwise_conv_m0.h", "qe_m0.h"),
        scratch_bytes=4 * window.rows * window.row_words,
        overlaps=(_tuned.banded_overlap(params, x.shape, y.shape, window.band),),
    )


@lru_cache(maxsize=4)
def _steps(params: DepthwiseConv) -> _m0.Steps | None:
    taps = params.weights.reshape(-1, params.weights.shape[2]).T
    ends = _m0.reachable(taps, params.bias, params.input_zero_point)
    return _m0.find_steps(
        params.requantization, params.output_zero_point, params.activation_range, *ends
    )


def is_3x3(params: DepthwiseConv) -> bool:
    """Whether a kernel of its own runs the layer."""
    return _tuned.is_3x3(params)


def plan_window(params: DepthwiseConv, x: Shape, y: Shape) -> Window:
    """Choose how many output rows a filling of the window serves."""
    kernel_h, kernel_w = params.weights.shape[:2]
    stride, even = params.stride[1], 0
    row = (y[2] - 1) * stride + (kernel_w - 1) * params.dilation[1] + 1
    row = max(row, params.padding[1][0] + x[2])
    if is_3x3(params):
        row = max(row, (STEP - 1) * stride + 3)
        if stride == 2:
            even = (row + 1) // 2
            row = 2 * even
    extent = (kernel_h - 1) * params.dilation[0] + 1
    most = max((WINDOW_WORDS // row - extent) // params.stride[0] + 1, 1)
    bands = -(-y[1] // most)
    band = -(-y[1] // bands)
    return Window(band, row, even, (band - 1) * params.stride[0] + extent)


def records(params: DepthwiseConv, steps: _m0.Steps) -> NDArray[np.uint32]:
    """Pack the layer as ``qe_depthwise_conv_m0_params.records`` describes."""
    channels = params.weights.shape[2]
    folded = params.bias - params.input_zero_point * params.weights.astype(np.int64).sum((0, 1))
    weights = params.weights
    if is_3x3(params) and params.stride[1] == 2:
        weights = weights[:, [0, 2, 1]]
    taps = np.ascontiguousarray(weights.reshape(-1, channels).T)
    words = np.pad(taps, ((0, 0), (0, -taps.shape[1] % 4))).view("<u4")
    return np.concatenate([_m0.heads(steps, folded), words], axis=1)

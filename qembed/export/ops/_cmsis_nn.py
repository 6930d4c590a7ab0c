"""Layers that CMSIS-NN runs with the same bytes: what they need of it, and its scratch.

Scratch is what the largest of its builds asks for (scalar, DSP and Helium differ), so that one
export fits all of them.
"""

from __future__ import annotations

import numpy as np

from qembed.arithmetic import Requantization
from qembed.export.lowering import CArray, Lowering, Value
from qembed.export.ops import _tuned
from qembed.ir import Graph, Node, Shape, Tensor
from qembed.ops.average_pool import AveragePool
from qembed.ops.conv import Conv
from qembed.ops.depthwise_conv import DepthwiseConv
from qembed.ops.fully_connected import FullyConnected
from qembed.ops.max_pool import MaxPool
from qembed.plan.layout import NHWC, Orders

HELIUM_CHANNELS = 124
"""CH_IN_BLOCK_MVE: channels that its depthwise convolution takes at once on Helium."""

Summing = Conv | DepthwiseConv | FullyConnected


def conv(node: Node, graph: Graph, orders: Orders) -> Lowering | None:
    """Lower CONV_2D; a `TunedKernel`."""
    params: Conv = node.params
    x, y = _ends(node, graph)
    if not _fits_image(x, y, orders) or not _fits_sum(params):
        return None
    if x.shape[3] != params.weights.shape[3]:  # groups
        return None
    taps = params.weights[0].size
    helium = 4 * -(-taps // 8) * 8
    window = params.weights.shape[1:3]
    return _lowering("conv", params, x.shape, y.shape, window, max(4 * taps, helium))


def depthwise_conv(node: Node, graph: Graph, orders: Orders) -> Lowering | None:
    """Lower DEPTHWISE_CONV_2D; a `TunedKernel`."""
    params: DepthwiseConv = node.params
    x, y = _ends(node, graph)
    if not _fits_image(x, y, orders) or not _fits_sum(params):
        return None
    area = params.weights.shape[0] * params.weights.shape[1]
    scratch = max(2 * x.shape[3] * area, 4 * HELIUM_CHANNELS * area)
    window = params.weights.shape[:2]
    return _lowering("depthwise_conv", params, x.shape, y.shape, window, scratch)


def fully_connected(node: Node, graph: Graph, orders: Orders) -> Lowering | None:
    """Lower FULLY_CONNECTED with one scale; a `TunedKernel`."""
    params: FullyConnected = node.params
    x, _ = _ends(node, graph)
    if x.dtype != "int8" or orders != NHWC or not _fits_sum(params):
        return None
    if params.requantization.multiplier.size != 1:
        return None
    out_c, in_c = params.weights.shape
    rows = int(np.prod(x.shape, dtype=np.int64)) // in_c
    return _lowering("fully_connected", params, (1, rows, 1, in_c), (1, rows, 1, out_c), (1, 1), 4)


def average_pool(node: Node, graph: Graph, orders: Orders) -> Lowering | None:
    """Lower AVERAGE_POOL_2D; a `TunedKernel`."""
    params: AveragePool = node.params
    x, y = _ends(node, graph)
    if not _fits_image(x, y, orders):
        return None
    return _lowering("average_pool", params, x.shape, y.shape, params.window, 4 * x.shape[3])


def max_pool(node: Node, graph: Graph, orders: Orders) -> Lowering | None:
    """Lower MAX_POOL_2D; a `TunedKernel`."""
    params: MaxPool = node.params
    x, y = _ends(node, graph)
    if not _fits_image(x, y, orders):
        return None
    return _lowering("max_pool", params, x.shape, y.shape, params.window, 4)


def _ends(node: Node, graph: Graph) -> tuple[Tensor, Tensor]:
    return graph.tensors[node.inputs[0]], graph.tensors[node.outputs[0]]


def _fits_image(x: Tensor, y: Tensor, orders: Orders) -> bool:
    return x.dtype == y.dtype == "int8" and x.shape[0] == 1 and orders == NHWC


def _fits_sum(params: Summing) -> bool:
    """Whether the sum is rounded as CMSIS-NN does by default: twice."""
    return (
        params.requantization.rounding == "double"
        and params.bias.dtype == np.int32
        and params.weight_bits == 8
    )


def _lowering(
    stem: str,
    params: Summing | AveragePool | MaxPool,
    x: Shape,
    y: Shape,
    window: tuple[int, ...],
    scratch: int,
) -> Lowering:
    padding = getattr(params, "padding", ((0, 0), (0, 0)))
    fields: dict[str, Value] = {
        "input": _tuned.shape(x),
        "output": _tuned.shape(y),
        "window": _tuned.size(window),
        "stride": _tuned.size(getattr(params, "stride", (1, 1))),
        "dilation": _tuned.size(getattr(params, "dilation", (1, 1))),
        "padding": {"h": padding[0][0], "w": padding[1][0]},
        "input_zero_point": getattr(params, "input_zero_point", 0),
        "output_zero_point": getattr(params, "output_zero_point", 0),
        "activation_min": params.activation_range[0],
        "activation_max": params.activation_range[1],
    }
    if isinstance(params, AveragePool | MaxPool):
        fields |= dict.fromkeys(("weights", "bias", "multiplier", "shift"))
    else:
        channels = 1 if stem == "fully_connected" else y[3]
        fields |= _constants(params, params.requantization, channels)
    return Lowering(
        stem=stem,
        variant="cmsis_nn",
        function=f"qe_{stem}_cmsis_nn",
        params_type="qe_cmsis_nn_params",
        fields={**fields, "scratch_bytes": scratch},
        sources=(),
        headers=("qe_cmsis_nn.h",),
        scratch_bytes=scratch,
    )


def _constants(params: Summing, by: Requantization, channels: int) -> dict[str, Value]:
    return {
        "weights": CArray("weights", "int8_t", params.weights),
        "bias": CArray("bias", "int32_t", params.bias),
        "multiplier": CArray("multiplier", "int32_t", np.resize(by.multiplier, channels)),
        "shift": CArray("shift", "int32_t", np.resize(by.shift, channels)),
    }

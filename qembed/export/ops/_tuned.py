"""What tuned kernels of all instruction sets share on the desk."""

from __future__ import annotations

import math

import numpy as np

from qembed.arithmetic import Int64Array
from qembed.export.lowering import Value
from qembed.ir import Graph, Node, Shape
from qembed.ops.average_pool import AveragePool
from qembed.ops.conv import Conv
from qembed.ops.depthwise_conv import DepthwiseConv
from qembed.ops.fully_connected import FullyConnected
from qembed.plan import Overlap
from qembed.plan.layout import Order
from qembed.plan.overlap import NEVER, overlap_of, windowed

MINOR = 8
"""A fully connected layer with this many times fewer weights than the convolutions is minor."""


def shape(of: Shape) -> dict[str, Value]:
    """Initialize a ``qe_shape`` from an NHWC shape."""
    return {"h": of[1], "w": of[2], "c": of[3]}


def size(of: tuple[int, ...]) -> dict[str, Value]:
    """Initialize a ``qe_size``."""
    return {"h": of[0], "w": of[1]}


def is_pointwise(params: Conv) -> bool:
    """Whether each output pixel sees just the input pixel at its place."""
    return (
        params.weights.shape[1:3] == (1, 1)
        and params.stride == (1, 1)
        and params.padding == ((0, 0), (0, 0))
    )


def is_minor(node: Node, graph: Graph) -> bool:
    """Whether the graph's convolutions dwarf a fully connected layer: it shares their kernel."""
    work = sum(math.prod(n.params.weights.shape) for n in graph.nodes if n.op == "conv")
    return bool(math.prod(node.params.weights.shape) * MINOR <= work)


def as_convolution(params: FullyConnected) -> Conv:
    """Restate the layer as a 1x1 convolution of a column of pixels, one a row."""
    outputs, inputs = params.weights.shape
    return Conv(
        weights=params.weights.reshape(outputs, 1, 1, inputs),
        bias=params.bias,
        requantization=params.requantization,
        stride=(1, 1),
        padding=((0, 0), (0, 0)),
        input_zero_point=params.input_zero_point,
        output_zero_point=params.output_zero_point,
        activation_range=params.activation_range,
    )


def in_order(pixels: Int64Array, channels: int, order: Order) -> Int64Array:
    """Give all channels the step of their pixel, in storage order.

    Parameters
    ----------
    pixels : int64 ndarray, shape (1, H, W)
    """
    axis = 1 if order == "planar" else 3
    return np.repeat(np.expand_dims(pixels, axis), channels, axis)


def is_3x3(params: DepthwiseConv) -> bool:
    """Whether the depthwise kernels have a loop of its own for the layer."""
    return (
        params.weights.shape[:2] == (3, 3)
        and params.dilation == (1, 1)
        and params.stride in ((1, 1), (2, 2))
    )


def banded_overlap(
    params: DepthwiseConv, x: Shape, y: Shape, band: int, order: Order = "planar"
) -> Overlap:
    """State the order: by channel and band; input rows are loaded, then output rows written."""
    bands = -(-y[1] // band)
    ends = np.minimum((np.arange(bands) + 1) * band, y[1])
    extent = (params.weights.shape[0] - 1) * params.dilation[0] + 1
    loaded = (ends - 1) * params.stride[0] + extent - params.padding[0][0]
    loads = np.searchsorted(loaded, np.arange(x[1]), side="right")
    steps = np.arange(x[3])[:, None] * bands
    last = np.where(loads < bands, steps + loads, NEVER)
    written = np.repeat(steps + np.arange(y[1]) // band, y[3] // x[3], axis=0)
    last, written = np.repeat(last, x[2], axis=1), np.repeat(written, y[2], axis=1)
    return overlap_of(last, written) if order == "planar" else overlap_of(last.T, written.T)


def row_overlap(rows: int, inputs: int, outputs: int, block: int, copied: bool) -> Overlap:
    """State the order: each block of outputs reads the whole row or its copy, then is written."""
    blocks = -(-outputs // block)
    row = np.arange(rows)[:, None] * blocks
    last = row if copied else row + blocks - 1
    return overlap_of(np.repeat(last, inputs, axis=1), row + np.arange(outputs) // block)


def planar_pool_overlap(params: AveragePool, x: Shape, y: Shape) -> Overlap:
    """State the order: plane by plane, output by output."""
    position = np.arange(y[1] * y[2]).reshape(1, y[1], y[2])
    corner = (params.padding[0][0], params.padding[1][0])
    last = windowed(x, y, params.window, params.stride, (1, 1), corner, position)
    first = np.arange(x[3])[:, None, None] * (y[1] * y[2])
    return overlap_of(np.where(last == NEVER, NEVER, last + first), position + first)

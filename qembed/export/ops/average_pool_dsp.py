"""AVERAGE_POOL_2D for the Cortex-M DSP extension: preconditions and parameters."""

from __future__ import annotations

import math

import numpy as np

from qembed.export.lowering import Lowering
from qembed.export.ops import _tuned
from qembed.ir import Graph, Node, Shape
from qembed.ops.average_pool import AveragePool
from qembed.plan import Overlap
from qembed.plan.layout import Orders
from qembed.plan.overlap import NEVER, overlap_of, windowed

MAX_PIXELS = 256
"""Of a window whose channels are summed side by side in halfwords."""


def refusal(params: AveragePool, shape: Shape, dtype: str, orders: Orders) -> str | None:
    """Why the kernels cannot run a layer of this input shape, or None if they can."""
    if dtype != "int8" or shape[0] != 1 or orders.inputs != orders.outputs:
        return "needs one int8 image, in the order of the output"
    if orders.inputs == "nhwc" and math.prod(params.window) > MAX_PIXELS:
        return "sums at most 256 pixels"
    return None


def lower(node: Node, graph: Graph, orders: Orders) -> Lowering | None:
    """Lower a layer, or None if it must run as another variant."""
    params: AveragePool = node.params
    x, y = graph.tensors[node.inputs[0]], graph.tensors[node.outputs[0]]
    if refusal(params, x.shape, x.dtype, orders) is not None:
        return None
    planar = orders.inputs == "planar"
    return Lowering(
        stem="average_pool",
        variant="dsp",
        function="qe_average_pool_planar_dsp" if planar else "qe_average_pool_dsp",
        params_type="qe_average_pool_dsp_params",
        fields={
            "input": _tuned.shape(x.shape),
            "output": _tuned.shape(y.shape),
            "window": _tuned.size(params.window),
            "stride": _tuned.size(params.stride),
            "padding": {"h": params.padding[0][0], "w": params.padding[1][0]},
            "minimum": params.activation_range[0],
            "maximum": params.activation_range[1],
        },
        sources=("dsp/qe_average_pool.c",),
        headers=("qe_average_pool_dsp.h", "qe_dsp.h"),
        overlaps=(_overlap(params, x.shape, y.shape, planar),),
    )


def _overlap(params: AveragePool, x: Shape, y: Shape, planar: bool) -> Overlap:
    """State the order: output by output; NHWC four channels at a time, then one."""
    if planar:
        return _tuned.planar_pool_overlap(params, x, y)
    position = np.arange(y[1] * y[2]).reshape(1, y[1], y[2])
    corner = (params.padding[0][0], params.padding[1][0])
    last = windowed(x, y, params.window, params.stride, (1, 1), corner, position)
    channel = np.arange(x[3])
    group = np.where(channel < x[3] & ~3, channel & ~3, channel)
    last, position = last[..., None], position[..., None] * x[3] + group
    return overlap_of(np.where(last == NEVER, NEVER, last * x[3] + group), position)

"""AVERAGE_POOL_2D for Helium: preconditions and parameters."""

from __future__ import annotations

import math

import numpy as np

from qembed.export.lowering import Lowering
from qembed.export.ops import _mve, _tuned
from qembed.ir import Graph, Node, Shape
from qembed.ops.average_pool import AveragePool
from qembed.plan import Overlap
from qembed.plan.layout import NHWC, Orders
from qembed.plan.overlap import overlap_of, windowed

MAX_PIXELS = 256
"""Of a window: the sum of so many bytes fits a halfword."""
CHANNELS = 8


def refusal(params: AveragePool, shape: Shape, dtype: str, orders: Orders) -> str | None:
    """Why the kernel cannot run a layer of this input shape, or None if it can."""
    if dtype != "int8" or shape[0] != 1 or orders != NHWC:
        return "needs one int8 image in NHWC"
    if math.prod(params.window) > MAX_PIXELS:
        return f"sums at most {MAX_PIXELS} pixels"
    return None


def lower(node: Node, graph: Graph, orders: Orders) -> Lowering | None:
    """Lower a layer, or None if it must run as another variant."""
    params: AveragePool = node.params
    x, y = graph.tensors[node.inputs[0]], graph.tensors[node.outputs[0]]
    if refusal(params, x.shape, x.dtype, orders) is not None:
        return None
    return Lowering(
        stem="average_pool",
        variant="mve",
        function="qe_average_pool_mve",
        params_type="qe_average_pool_mve_params",
        fields={
            "input": _tuned.shape(x.shape),
            "output": _tuned.shape(y.shape),
            "window": _tuned.size(params.window),
            "stride": _tuned.size(params.stride),
            "padding": {"h": params.padding[0][0], "w": params.padding[1][0]},
            "quantization": _mve.output_fields(0, params.activation_range),
        },
        sources=("mve/qe_average_pool.c",),
        headers=("qe_average_pool_mve.h", "qe_mve.h"),
        overlaps=(_overlap(params, x.shape, y.shape),),
    )


def _overlap(params: AveragePool, x: Shape, y: Shape) -> Overlap:
    """State the order: output by output, eight channels at a time."""
    position = np.arange(y[1] * y[2]).reshape(1, y[1], y[2])
    corner = (params.padding[0][0], params.padding[1][0])
    last = windowed(x, y, params.window, params.stride, (1, 1), corner, position)[..., None]
    block = np.arange(x[3]) // CHANNELS
    return overlap_of(
        np.where(last < 0, last, last * x[3] + block), position[..., None] * x[3] + block
    )

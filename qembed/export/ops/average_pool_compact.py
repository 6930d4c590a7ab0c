"""AVERAGE_POOL_2D in little code: preconditions and parameters."""

from __future__ import annotations

import numpy as np

from qembed.export.lowering import Lowering
from qembed.export.ops import _compact, _tuned
from qembed.ir import Graph, Node, Shape
from qembed.ops.average_pool import AveragePool
from qembed.plan import Overlap
from qembed.plan.layout import NHWC, Orders, differs
from qembed.plan.overlap import NEVER, overlap_of, windowed


def refusal(params: AveragePool, x: Shape, y: Shape, dtype: str, orders: Orders) -> str | None:
    """Why the kernel cannot run a layer of these shapes, or None if it can."""
    if dtype != "int8" or x[0] != 1 or (orders != NHWC and (differs(x) or differs(y))):
        return "needs one int8 image, NHWC"
    return None if _compact.fit(x, y) else "counts to 65535"


def lower(node: Node, graph: Graph, orders: Orders) -> Lowering | None:
    """Lower a layer, or None if it must run as another variant."""
    params: AveragePool = node.params
    x, y = graph.tensors[node.inputs[0]], graph.tensors[node.outputs[0]]
    if refusal(params, x.shape, y.shape, x.dtype, orders) is not None:
        return None
    return Lowering(
        stem="average_pool",
        variant="compact",
        function="qe_average_pool_compact",
        params_type="qe_average_pool_compact_params",
        fields={
            "input": _tuned.size(x.shape[1:3]),
            "output": _tuned.size(y.shape[1:3]),
            "window": _tuned.size(params.window),
            "stride": _tuned.size(params.stride),
            "padding": {"h": params.padding[0][0], "w": params.padding[1][0]},
            "channels": x.shape[3],
            "minimum": params.activation_range[0],
            "maximum": params.activation_range[1],
        },
        sources=("compact/qe_average_pool.c",),
        headers=("qe_average_pool_compact.h",),
        overlaps=(_overlap(params, x.shape, y.shape),),
    )


def _overlap(params: AveragePool, x: Shape, y: Shape) -> Overlap:
    """State the order: value by value, each reading its channel under the window."""
    pixel = np.arange(y[1] * y[2]).reshape(1, y[1], y[2])
    corner = (params.padding[0][0], params.padding[1][0])
    last = windowed(x, y, params.window, params.stride, (1, 1), corner, pixel)[..., None]
    channel = np.arange(x[3])
    return overlap_of(
        np.where(last == NEVER, NEVER, last * x[3] + channel), pixel[..., None] * x[3] + channel
    )

"""AVERAGE_POOL_2D of planes, for cores without DSP instructions."""

from __future__ import annotations

from qembed.export.lowering import Lowering
from qembed.export.ops import _tuned
from qembed.ir import Graph, Node
from qembed.ops.average_pool import AveragePool
from qembed.plan.layout import Orders


def lower(node: Node, graph: Graph, orders: Orders) -> Lowering | None:
    """Lower a layer in planes; NHWC is the portable kernel's."""
    params: AveragePool = node.params
    x, y = graph.tensors[node.inputs[0]], graph.tensors[node.outputs[0]]
    planes = orders.inputs == orders.outputs == "planar"
    if x.dtype != "int8" or x.shape[0] != 1 or not planes:
        return None
    return Lowering(
        stem="average_pool",
        variant="m0",
        function="qe_average_pool_planar_m0",
        params_type="qe_average_pool_m0_params",
        fields={
            "input": _tuned.shape(x.shape),
            "output": _tuned.shape(y.shape),
            "window": _tuned.size(params.window),
            "stride": _tuned.size(params.stride),
            "padding": {"h": params.padding[0][0], "w": params.padding[1][0]},
            "minimum": params.activation_range[0],
            "maximum": params.activation_range[1],
        },
        sources=("m0/qe_average_pool.c",),
        headers=("qe_average_pool_m0.h",),
        overlaps=(_tuned.planar_pool_overlap(params, x.shape, y.shape),),
    )

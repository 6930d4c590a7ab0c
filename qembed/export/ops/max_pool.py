"""MAX_POOL_2D on the device."""

from __future__ import annotations

from qembed.export import fields, overlaps
from qembed.export.lowering import Lowering
from qembed.ir import Graph, Node
from qembed.ops.max_pool import MaxPool


def lower(node: Node, graph: Graph) -> Lowering:
    """Fill the portable kernel's parameters."""
    params: MaxPool = node.params
    x, y = graph.tensors[node.inputs[0]], graph.tensors[node.outputs[0]]
    lowering = Lowering(
        stem="max_pool",
        variant="portable",
        function=f"qe_max_pool_{fields.SUFFIX[x.dtype]}",
        params_type="qe_max_pool_params",
        fields={
            "geometry": fields.geometry(
                x.shape, y.shape, params.window, params.stride, params.padding
            ),
            "activation_min": params.activation_range[0],
            "activation_max": params.activation_range[1],
        },
        sources=("portable/qe_max_pool.c", "portable/qe_window.c"),
        headers=("qe_max_pool.h",),
    )
    return overlaps.sliding_both_ways(lowering, x, y, params.window, params.stride, params.padding)

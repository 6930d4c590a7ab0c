"""RESIZE_NEAREST_NEIGHBOR on the device."""

from __future__ import annotations

from qembed.export import fields
from qembed.export.lowering import Lowering
from qembed.ir import Graph, Node
from qembed.ops.resize_nearest import ResizeNearest


def lower(node: Node, graph: Graph) -> Lowering:
    """Fill the portable kernel's parameters."""
    params: ResizeNearest = node.params
    x, y = graph.tensors[node.inputs[0]], graph.tensors[node.outputs[0]]
    return Lowering(
        stem="resize_nearest",
        variant="portable",
        function="qe_resize_nearest",
        params_type="qe_resize_nearest_params",
        fields={
            "batch": x.shape[0],
            "input": {"h": x.shape[1], "w": x.shape[2]},
            "output": {"h": y.shape[1], "w": y.shape[2]},
            "pixel_bytes": x.shape[3] * fields.item_bytes(x),
            "rows": fields.positions("rows", params.rows),
            "columns": fields.positions("columns", params.columns),
        },
        sources=("portable/qe_resize_nearest.c",),
        headers=("qe_resize_nearest.h",),
    )

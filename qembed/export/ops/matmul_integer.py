"""MatMulInteger on the device."""

from __future__ import annotations

from qembed.export import fields
from qembed.export.lowering import Lowering
from qembed.ir import Graph, Node


def lower(node: Node, graph: Graph) -> Lowering:
    """Fill the portable kernel's parameters."""
    x1, x2 = (graph.tensors[i] for i in node.inputs[:2])
    y = graph.tensors[node.outputs[0]]
    strides = [fields.broadcast_strides(x.shape, y.shape)[:-2] for x in (x1, x2)]
    walk1, walk2 = fields.walks(["walk1", "walk2"], y.shape[:-2], strides)
    return Lowering(
        stem="matmul_integer",
        variant="portable",
        function="qe_matmul_integer_s8",
        params_type="qe_matmul_integer_params",
        fields={
            "matrices": {"walk1": walk1, "walk2": walk2},
            "rows": y.shape[-2],
            "columns": y.shape[-1],
            "depth": x1.shape[-1],
        },
        sources=("portable/qe_matmul_integer.c",),
        headers=("qe_matmul_integer.h",),
    )

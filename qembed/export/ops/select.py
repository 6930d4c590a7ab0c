"""SELECT_V2 on the device."""

from __future__ import annotations

from qembed.export import fields, overlaps
from qembed.export.lowering import Lowering
from qembed.ir import Graph, Node


def lower(node: Node, graph: Graph) -> Lowering:
    """Fill the portable kernel's parameters."""
    inputs = [graph.tensors[i] for i in node.inputs]
    y = graph.tensors[node.outputs[0]]
    names = ["condition", "walk1", "walk2"]
    found = fields.broadcast_walks(names, [x.shape for x in inputs], y.shape)
    return Lowering(
        stem="select",
        variant="portable",
        function=f"qe_select_{fields.SUFFIX[y.dtype]}",
        params_type="qe_select_params",
        fields=dict(zip(names, found, strict=True)),
        sources=("portable/qe_select.c",),
        headers=("qe_select.h",),
        overlaps=overlaps.element_wise(inputs, y),
    )

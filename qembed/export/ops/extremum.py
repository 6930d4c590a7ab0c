"""MAXIMUM and MINIMUM on the device."""

from __future__ import annotations

from qembed.export import fields, overlaps
from qembed.export.lowering import Lowering
from qembed.ir import Graph, Node
from qembed.ops.extremum import Extremum


def lower(node: Node, graph: Graph) -> Lowering:
    """Fill the portable kernel's parameters."""
    params: Extremum = node.params
    inputs = [graph.tensors[i] for i in node.inputs]
    y = graph.tensors[node.outputs[0]]
    return Lowering(
        stem="extremum",
        variant="portable",
        function=f"qe_extremum_{fields.SUFFIX[y.dtype]}",
        params_type="qe_extremum_params",
        fields={"inputs": fields.pair(inputs, y), "largest": int(params.largest)},
        sources=("portable/qe_extremum.c",),
        headers=("qe_extremum.h",),
        overlaps=overlaps.element_wise(inputs, y),
    )

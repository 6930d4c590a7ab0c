"""RESHAPE on the device: nothing, where the planner puts the output on its input."""

from __future__ import annotations

from qembed.export.lowering import Lowering
from qembed.ir import Graph, Node


def lower(node: Node, graph: Graph) -> Lowering:
    """Fill the portable kernel's parameters."""
    return Lowering(
        stem="reshape",
        variant="portable",
        function="qe_reshape",
        params_type="qe_reshape_params",
        fields={"bytes": graph.tensors[node.inputs[0]].nbytes},
        sources=("portable/qe_reshape.c",),
        headers=("qe_reshape.h",),
        in_place=(0,),
        identity=True,
    )

"""L2_NORMALIZATION on the device."""

from __future__ import annotations

from qembed.export.lowering import Lowering
from qembed.ir import Graph, Node
from qembed.ops.l2_normalization import L2Normalization


def lower(node: Node, graph: Graph) -> Lowering:
    """Fill the portable kernel's parameters."""
    params: L2Normalization = node.params
    x = graph.tensors[node.inputs[0]]
    return Lowering(
        stem="l2_normalization",
        variant="portable",
        function="qe_l2_normalization_s8",
        params_type="qe_l2_normalization_params",
        fields={
            "rows": x.nbytes // x.shape[-1],
            "size": x.shape[-1],
            "input_zero_point": params.input_zero_point,
        },
        sources=("portable/qe_l2_normalization.c",),
        headers=("qe_l2_normalization.h",),
        in_place=(0,),
    )

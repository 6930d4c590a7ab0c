"""PRELU and its like on the device."""

from __future__ import annotations

from qembed.export import fields, overlaps
from qembed.export.lowering import CArray, Lowering
from qembed.ir import Graph, Node
from qembed.ops.prelu import Prelu


def lower(node: Node, graph: Graph) -> Lowering:
    """Fill the portable kernel's parameters."""
    params: Prelu = node.params
    x = graph.tensors[node.inputs[0]]
    (slopes,) = fields.broadcast_walks(["slopes"], [params.alpha.shape], x.shape)
    return Lowering(
        stem="prelu",
        variant="portable",
        function=f"qe_prelu_{fields.SUFFIX[x.dtype]}",
        params_type="qe_prelu_params",
        fields={
            "slopes": slopes,
            "alpha": CArray("alpha", "int16_t", params.alpha),
            "positive": fields.scale(params.positive),
            "negative": fields.scale(params.negative),
            "input_zero_point": params.input_zero_point,
            "output_zero_point": params.output_zero_point,
        },
        sources=("portable/qe_prelu.c", "portable/qe_fixedpoint.c"),
        headers=("qe_prelu.h",),
        overlaps=overlaps.element_wise([x], x),
    )

"""SOFTMAX on the device."""

from __future__ import annotations

from qembed.export import fields
from qembed.export.lowering import Lowering
from qembed.ir import Graph, Node
from qembed.ops.softmax import Softmax


def lower(node: Node, graph: Graph) -> Lowering:
    """Fill the portable kernel's parameters."""
    params: Softmax = node.params
    x = graph.tensors[node.inputs[0]]
    same_size = params.output_dtype == "int8"
    return Lowering(
        stem="softmax",
        variant="portable",
        function="qe_softmax_s8" if same_size else "qe_softmax_s8_s16",
        params_type="qe_softmax_params",
        fields={
            "rows": x.nbytes // x.shape[-1],
            "row": fields.exponents(x.shape[-1], params),
        },
        sources=("portable/qe_softmax.c", "portable/qe_exp.c"),
        headers=("qe_softmax.h",),
        in_place=(0,) if same_size else (),
    )

"""LOG_SOFTMAX on the device."""

from __future__ import annotations

from qembed.export import fields
from qembed.export.lowering import Lowering
from qembed.ir import Graph, Node
from qembed.ops.log_softmax import LogSoftmax


def lower(node: Node, graph: Graph) -> Lowering:
    """Fill the portable kernel's parameters."""
    params: LogSoftmax = node.params
    x = graph.tensors[node.inputs[0]]
    return Lowering(
        stem="log_softmax",
        variant="portable",
        function="qe_log_softmax_s8",
        params_type="qe_log_softmax_params",
        fields={
            "rows": x.nbytes // x.shape[-1],
            "row": fields.exponents(x.shape[-1], params),
            "reverse": fields.scale(params.reverse),
        },
        sources=("portable/qe_log_softmax.c", "portable/qe_exp.c", "portable/qe_fixedpoint.c"),
        headers=("qe_log_softmax.h",),
        in_place=(0,),
    )

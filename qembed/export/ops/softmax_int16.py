"""SOFTMAX of int16 on the device."""

from __future__ import annotations

import math

from qembed.export import fields
from qembed.export.lowering import CArray, Lowering
from qembed.ir import Graph, Node
from qembed.ops.softmax_int16 import SoftmaxInt16


def lower(node: Node, graph: Graph) -> Lowering:
    """Fill the portable kernel's parameters."""
    params: SoftmaxInt16 = node.params
    x = graph.tensors[node.inputs[0]]
    return Lowering(
        stem="softmax_int16",
        variant="portable",
        function="qe_softmax_int16",
        params_type="qe_softmax_int16_params",
        fields={
            "rows": math.prod(x.shape[:-1]),
            "classes": x.shape[-1],
            "scale": fields.scale(params.requantization),
            "exp_table": CArray("exp_table", "int16_t", params.exp_table),
            "reciprocal_table": CArray("reciprocal_table", "int16_t", params.reciprocal_table),
        },
        sources=("portable/qe_softmax_int16.c", "portable/qe_fixedpoint.c"),
        headers=("qe_softmax_int16.h",),
        in_place=(0,),
    )

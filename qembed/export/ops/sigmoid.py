"""LOGISTIC and TANH of int16 on the device."""

from __future__ import annotations

import math

from qembed.export import overlaps
from qembed.export.lowering import CArray, Lowering
from qembed.ir import Graph, Node
from qembed.ops.sigmoid import Sigmoid


def lower(node: Node, graph: Graph) -> Lowering:
    """Fill the portable kernel's parameters."""
    params: Sigmoid = node.params
    table = CArray("table", "uint16_t", params.table)
    x = graph.tensors[node.inputs[0]]
    return Lowering(
        stem="sigmoid",
        variant="portable",
        function="qe_sigmoid_s16",
        params_type="qe_sigmoid_params",
        fields={
            "count": math.prod(x.shape),
            "tanh": int(params.function == "tanh"),
            "scale": {"multiplier": params.multiplier, "shift": params.shift, "table": table},
        },
        sources=("portable/qe_sigmoid.c",),
        headers=("qe_sigmoid.h",),
        overlaps=overlaps.element_wise([x], x),
    )

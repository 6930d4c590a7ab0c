"""DEQUANTIZE on the device."""

from __future__ import annotations

import math

from qembed.export import fields
from qembed.export.lowering import Lowering
from qembed.ir import Graph, Node
from qembed.ops.dequantize import Dequantize


def lower(node: Node, graph: Graph) -> Lowering:
    """Fill the portable kernel's parameters."""
    params: Dequantize = node.params
    x = graph.tensors[node.inputs[0]]
    return Lowering(
        stem="dequantize",
        variant="portable",
        function="qe_dequantize",
        params_type="qe_dequantize_params",
        fields={
            "count": math.prod(x.shape),
            "input_type": fields.NUMBER[x.dtype],
            "scale": params.scale,
            "zero_point": params.zero_point,
        },
        sources=("portable/qe_dequantize.c",),
        headers=("qe_dequantize.h",),
    )

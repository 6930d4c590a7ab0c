"""MUL on the device."""

from __future__ import annotations

from qembed.export import fields, overlaps
from qembed.export.lowering import Lowering
from qembed.ir import Graph, Node
from qembed.ops.mul import Mul


def lower(node: Node, graph: Graph) -> Lowering:
    """Fill the portable kernel's parameters."""
    params: Mul = node.params
    inputs = [graph.tensors[i] for i in node.inputs]
    y = graph.tensors[node.outputs[0]]
    return Lowering(
        stem="mul",
        variant="portable",
        function=f"qe_mul_{fields.SUFFIX[y.dtype]}",
        params_type="qe_mul_params",
        fields={
            "inputs": fields.pair(inputs, y),
            "scale": fields.scale(params.requantization),
            "zero_point1": params.input1_zero_point,
            "zero_point2": params.input2_zero_point,
            "output_zero_point": params.output_zero_point,
            "activation_min": params.activation_range[0],
            "activation_max": params.activation_range[1],
        },
        sources=("portable/qe_mul.c", "portable/qe_fixedpoint.c"),
        headers=("qe_mul.h",),
        overlaps=overlaps.element_wise(inputs, y),
    )

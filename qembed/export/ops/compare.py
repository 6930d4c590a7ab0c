"""EQUAL, GREATER and their like on the device."""

from __future__ import annotations

from qembed.export import fields, overlaps
from qembed.export.lowering import Lowering
from qembed.ir import Graph, Node
from qembed.ops.compare import Compare

RESULTS = {
    "equal": (0, 1, 0),
    "not_equal": (1, 0, 1),
    "greater": (0, 0, 1),
    "greater_equal": (0, 1, 1),
    "less": (1, 0, 0),
    "less_equal": (1, 1, 0),
}
"""Results where the first value is less than, equal to, or greater than the second."""


def lower(node: Node, graph: Graph) -> Lowering:
    """Fill the portable kernel's parameters."""
    params: Compare = node.params
    inputs = [graph.tensors[i] for i in node.inputs]
    y = graph.tensors[node.outputs[0]]
    holds = RESULTS[params.comparison]
    dtype = inputs[0].dtype
    return Lowering(
        stem="compare",
        variant="portable",
        function=f"qe_compare_{fields.SUFFIX[dtype]}",
        params_type="qe_compare_params",
        fields={
            "inputs": fields.pair(inputs, y),
            "when_less": holds[0],
            "when_equal": holds[1],
            "when_greater": holds[2],
            "left_shift": params.left_shift,
            "scale1": fields.scale(params.requantization1),
            "scale2": fields.scale(params.requantization2),
            "zero_point1": params.input1_zero_point,
            "zero_point2": params.input2_zero_point,
        },
        sources=("portable/qe_compare.c", "portable/qe_fixedpoint.c"),
        headers=("qe_compare.h",),
        overlaps=overlaps.element_wise(inputs, y),
    )

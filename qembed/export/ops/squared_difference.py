"""SQUARED_DIFFERENCE on the device."""

from __future__ import annotations

import numpy as np

from qembed.export import fields, overlaps
from qembed.export.lowering import Lowering
from qembed.ir import Graph, Node
from qembed.ops.squared_difference import SquaredDifference


def lower(node: Node, graph: Graph) -> Lowering:
    """Fill the portable kernel's parameters."""
    params: SquaredDifference = node.params
    inputs = [graph.tensors[i] for i in node.inputs]
    y = graph.tensors[node.outputs[0]]
    limits = np.iinfo(y.dtype)
    return Lowering(
        stem="squared_difference",
        variant="portable",
        function=f"qe_squared_difference_{fields.SUFFIX[y.dtype]}",
        params_type="qe_squared_difference_params",
        fields={
            "inputs": fields.pair(inputs, y),
            "left_shift": params.left_shift,
            "scale1": fields.scale(params.requantization1),
            "scale2": fields.scale(params.requantization2),
            "output_scale": fields.scale(params.output_requantization),
            "zero_point1": params.input1_zero_point,
            "zero_point2": params.input2_zero_point,
            "output_zero_point": params.output_zero_point,
            "lowest": int(limits.min),
            "highest": int(limits.max),
        },
        sources=("portable/qe_squared_difference.c", "portable/qe_fixedpoint.c"),
        headers=("qe_squared_difference.h",),
        overlaps=overlaps.element_wise(inputs, y),
    )

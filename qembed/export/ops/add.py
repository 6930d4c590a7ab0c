"""ADD and SUB on the device."""

from __future__ import annotations

from qembed.errors import UnsupportedError
from qembed.export import fields, overlaps
from qembed.export.lowering import Lowering
from qembed.ir import Graph, Node
from qembed.ops.add import Add


def lower(node: Node, graph: Graph) -> Lowering:
    """Fill the portable kernel's parameters."""
    params: Add = node.params
    inputs = [graph.tensors[i] for i in node.inputs]
    y = graph.tensors[node.outputs[0]]
    if params.sum_scale is not None:
        raise UnsupportedError(
            "this addition reproduces a desktop runtime and has no kernel for devices; import the "
            "model with the profile 'tflm'"
        )
    return Lowering(
        stem="add",
        variant="portable",
        function=f"qe_add_{fields.SUFFIX[y.dtype]}",
        params_type="qe_add_params",
        fields={
            "inputs": fields.pair(inputs, y),
            "subtract": int(params.subtract),
            "left_shift": params.left_shift,
            "scale1": fields.scale(params.requantization1),
            "scale2": fields.scale(params.requantization2),
            "output_scale": fields.scale(params.output_requantization),
            "zero_point1": params.input1_zero_point,
            "zero_point2": params.input2_zero_point,
            "output_zero_point": params.output_zero_point,
            "activation_min": params.activation_range[0],
            "activation_max": params.activation_range[1],
        },
        sources=("portable/qe_add.c", "portable/qe_fixedpoint.c"),
        headers=("qe_add.h",),
        overlaps=overlaps.element_wise(inputs, y),
    )

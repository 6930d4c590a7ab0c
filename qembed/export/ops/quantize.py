"""QUANTIZE on the device."""

from __future__ import annotations

import math

from qembed.errors import UnsupportedError
from qembed.export import fields, overlaps
from qembed.export.lowering import Lowering
from qembed.ir import Graph, Node
from qembed.ops.quantize import Quantize


def lower(node: Node, graph: Graph) -> Lowering:
    """Fill the portable kernel's parameters."""
    params: Quantize = node.params
    if params.ties_to_even:
        raise UnsupportedError(
            "ties to even reproduce a desktop runtime and have no kernel for devices; import the "
            "model with the profile 'tflm'"
        )
    x = graph.tensors[node.inputs[0]]
    output: fields.Fields = {"output_zero_point": params.output_zero_point}
    values: fields.Fields = {"count": math.prod(x.shape)}
    output_type = fields.NUMBER[params.output_dtype]
    if params.requantization is None:
        function = "qe_quantize_f32"
        values |= {"output_type": output_type, "scale": params.scale}
    else:
        function = "qe_quantize"
        values |= {
            "input_type": fields.NUMBER[x.dtype],
            "output_type": output_type,
            "scale": fields.scale(params.requantization),
            "input_zero_point": params.input_zero_point,
        }
    return Lowering(
        stem="quantize",
        variant="portable",
        function=function,
        params_type=f"{function}_params",
        fields=values | output,
        sources=("portable/qe_quantize.c", "portable/qe_fixedpoint.c"),
        headers=("qe_quantize.h",),
        overlaps=overlaps.element_wise([x], graph.tensors[node.outputs[0]]),
    )

"""ConvInteger on the device."""

from __future__ import annotations

from qembed.export import fields
from qembed.export.lowering import CArray, Lowering
from qembed.ir import Graph, Node
from qembed.ops.conv_integer import ConvInteger


def lower(node: Node, graph: Graph) -> Lowering:
    """Fill the portable kernel's parameters."""
    params: ConvInteger = node.params
    x, y = graph.tensors[node.inputs[0]], graph.tensors[node.outputs[0]]
    out_c, kh, kw, depth = params.weights.shape
    return Lowering(
        stem="conv_integer",
        variant="portable",
        function="qe_conv_integer_s8",
        params_type="qe_conv_integer_params",
        fields={
            "geometry": fields.geometry(
                x.shape, y.shape, (kh, kw), params.stride, params.padding, params.dilation
            ),
            "depth": depth,
            "group_outputs": out_c // (x.shape[3] // depth),
            "weights": CArray("weights", "int8_t", params.weights),
        },
        sources=("portable/qe_conv_integer.c", "portable/qe_window.c"),
        headers=("qe_conv_integer.h",),
    )

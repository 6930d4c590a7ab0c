"""TRANSPOSE_CONV on the device."""

from __future__ import annotations

from qembed.export import fields
from qembed.export.lowering import Lowering
from qembed.ir import Graph, Node
from qembed.ops.transpose_conv import TransposeConv


def lower(node: Node, graph: Graph) -> Lowering:
    """Fill the portable kernel's parameters."""
    params: TransposeConv = node.params
    x, y = graph.tensors[node.inputs[0]], graph.tensors[node.outputs[0]]
    bits = "_w4" if params.weight_bits == 4 else ""
    return Lowering(
        stem="transpose_conv",
        variant="portable",
        function=f"qe_transpose_conv_{fields.SUFFIX[x.dtype]}{bits}",
        params_type="qe_transpose_conv_params",
        fields={
            "batch": x.shape[0],
            "input": dict(zip("hwc", x.shape[1:], strict=True)),
            "output": dict(zip("hwc", y.shape[1:], strict=True)),
            "window": dict(zip("hw", params.weights.shape[1:3], strict=True)),
            "stride": dict(zip("hw", params.stride, strict=True)),
            "offset": dict(zip("hw", params.offset, strict=True)),
            "input_zero_point": params.input_zero_point,
            "weights": fields.weights(params.weights, params.weight_bits),
            "stage": fields.output_stage(
                params.bias,
                params.requantization,
                params.output_zero_point,
                params.activation_range,
            ),
        },
        sources=("portable/qe_transpose_conv.c", "portable/qe_fixedpoint.c"),
        headers=("qe_transpose_conv.h",),
    )

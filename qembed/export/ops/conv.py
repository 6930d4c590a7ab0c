"""CONV_2D on the device."""

from __future__ import annotations

from qembed.export import fields, overlaps
from qembed.export.lowering import Lowering
from qembed.ir import Graph, Node
from qembed.ops.conv import Conv


def lower(node: Node, graph: Graph) -> Lowering:
    """Fill the portable kernel's parameters."""
    params: Conv = node.params
    x, y = graph.tensors[node.inputs[0]], graph.tensors[node.outputs[0]]
    out_c, kh, kw, depth = params.weights.shape
    lowering = Lowering(
        stem="conv",
        variant="portable",
        function=f"qe_conv_{fields.SUFFIX[x.dtype]}{'_w4' if params.weight_bits == 4 else ''}",
        params_type="qe_conv_params",
        fields={
            "geometry": fields.geometry(
                x.shape, y.shape, (kh, kw), params.stride, params.padding, params.dilation
            ),
            "depth": depth,
            "group_outputs": out_c // (x.shape[3] // depth),
            "input_zero_point": params.input_zero_point,
            "weights": fields.weights(params.weights, params.weight_bits),
            "stage": fields.output_stage(
                params.bias,
                params.requantization,
                params.output_zero_point,
                params.activation_range,
            ),
        },
        sources=("portable/qe_conv.c", "portable/qe_window.c", "portable/qe_fixedpoint.c"),
        headers=("qe_conv.h",),
    )
    return overlaps.sliding_both_ways(
        lowering,
        x,
        y,
        (kh, kw),
        params.stride,
        params.padding,
        params.dilation,
        depth=depth,
        group_outputs=out_c // (x.shape[3] // depth),
    )

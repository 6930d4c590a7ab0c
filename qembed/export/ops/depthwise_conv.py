"""DEPTHWISE_CONV_2D on the device."""

from __future__ import annotations

from qembed.export import fields, overlaps
from qembed.export.lowering import Lowering
from qembed.ir import Graph, Node
from qembed.ops.depthwise_conv import DepthwiseConv


def lower(node: Node, graph: Graph) -> Lowering:
    """Fill the portable kernel's parameters."""
    params: DepthwiseConv = node.params
    x, y = graph.tensors[node.inputs[0]], graph.tensors[node.outputs[0]]
    kh, kw, out_c = params.weights.shape
    bits = "_w4" if params.weight_bits == 4 else ""
    lowering = Lowering(
        stem="depthwise_conv",
        variant="portable",
        function=f"qe_depthwise_conv_{fields.SUFFIX[x.dtype]}{bits}",
        params_type="qe_depthwise_conv_params",
        fields={
            "geometry": fields.geometry(
                x.shape, y.shape, (kh, kw), params.stride, params.padding, params.dilation
            ),
            "depth_multiplier": out_c // x.shape[3],
            "input_zero_point": params.input_zero_point,
            "weights": fields.weights(params.weights, params.weight_bits),
            "stage": fields.output_stage(
                params.bias,
                params.requantization,
                params.output_zero_point,
                params.activation_range,
            ),
        },
        sources=(
            "portable/qe_depthwise_conv.c",
            "portable/qe_window.c",
            "portable/qe_fixedpoint.c",
        ),
        headers=("qe_depthwise_conv.h",),
    )
    return overlaps.sliding_both_ways(
        lowering,
        x,
        y,
        (kh, kw),
        params.stride,
        params.padding,
        params.dilation,
        depth=1,
        group_outputs=out_c // x.shape[3],
    )

"""SVDF on the device."""

from __future__ import annotations

from qembed.export import fields
from qembed.export.lowering import CArray, Lowering
from qembed.ir import Graph, Node
from qembed.ops.svdf import Svdf


def lower(node: Node, graph: Graph) -> Lowering:
    """Fill the portable kernel's parameters."""
    params: Svdf = node.params
    x, state = (graph.tensors[i] for i in node.inputs)
    return Lowering(
        stem="svdf",
        variant="portable",
        function=f"qe_svdf_{fields.SUFFIX[state.dtype]}",
        params_type="qe_svdf_params",
        fields={
            "batch": x.shape[0],
            "features": x.shape[1],
            "units": params.bias.size,
            "rank": params.rank,
            "memory": params.time_weights.shape[1],
            "feature_weights": CArray(
                "feature_weights", "int8_t", params.feature_weights, rom=True
            ),
            "time_weights": CArray("time_weights", f"{state.dtype}_t", params.time_weights),
            "bias": CArray("bias", "int32_t", params.bias),
            "state_scale": fields.scale(params.state_requantization),
            "output_scale": fields.scale(params.output_requantization),
            "input_zero_point": params.input_zero_point,
            "state_zero_point": params.state_zero_point,
            "output_zero_point": params.output_zero_point,
        },
        sources=("portable/qe_svdf.c", "portable/qe_fixedpoint.c"),
        headers=("qe_svdf.h",),
    )

"""MEAN on the device."""

from __future__ import annotations

from qembed.export import fields, overlaps
from qembed.export.lowering import Lowering
from qembed.ir import Graph, Node
from qembed.ops.mean import Mean


def lower(node: Node, graph: Graph) -> Lowering:
    """Fill the portable kernel's parameters."""
    params: Mean = node.params
    x = graph.tensors[node.inputs[0]]
    kept, reduced = fields.reduction_walks(x.shape, params.axes)
    return Lowering(
        stem="mean",
        variant="portable",
        function=f"qe_mean_{fields.SUFFIX[x.dtype]}",
        params_type="qe_mean_params",
        fields={
            "kept": kept,
            "reduced": reduced,
            "scale": fields.scale(params.requantization),
            "input_zero_point": params.input_zero_point,
            "output_zero_point": params.output_zero_point,
        },
        sources=("portable/qe_mean.c", "portable/qe_fixedpoint.c"),
        headers=("qe_mean.h",),
        overlaps=overlaps.reduced(x, params.axes),
    )

"""REDUCE_MAX and REDUCE_MIN on the device."""

from __future__ import annotations

from qembed.export import fields, overlaps
from qembed.export.lowering import Lowering
from qembed.ir import Graph, Node
from qembed.ops.reduce_extremum import ReduceExtremum


def lower(node: Node, graph: Graph) -> Lowering:
    """Fill the portable kernel's parameters."""
    params: ReduceExtremum = node.params
    x = graph.tensors[node.inputs[0]]
    kept, reduced = fields.reduction_walks(x.shape, params.axes)
    return Lowering(
        stem="reduce_extremum",
        variant="portable",
        function=f"qe_reduce_extremum_{fields.SUFFIX[x.dtype]}",
        params_type="qe_reduce_extremum_params",
        fields={"kept": kept, "reduced": reduced, "largest": int(params.largest)},
        sources=("portable/qe_reduce_extremum.c",),
        headers=("qe_reduce_extremum.h",),
        overlaps=overlaps.reduced(x, params.axes),
    )

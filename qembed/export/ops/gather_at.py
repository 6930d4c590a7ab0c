"""GATHER by positions that are an input, on the device."""

from __future__ import annotations

import math

from qembed.export import fields
from qembed.export.lowering import Lowering
from qembed.ir import Graph, Node
from qembed.ops.gather_at import GatherAt


def lower(node: Node, graph: Graph) -> Lowering:
    """Fill the portable kernel's parameters."""
    params: GatherAt = node.params
    x, positions = (graph.tensors[i] for i in node.inputs)
    batch, axis = params.batch_axes, params.axis
    return Lowering(
        stem="gather_at",
        variant="portable",
        function="qe_gather_at",
        params_type="qe_gather_at_params",
        fields={
            "batches": math.prod(x.shape[:batch]),
            "repeats": math.prod(x.shape[batch:axis]),
            "size": x.shape[axis],
            "slice_bytes": math.prod(x.shape[axis + 1 :]) * fields.item_bytes(x),
            "count": math.prod(positions.shape[batch:]),
        },
        sources=("portable/qe_gather_at.c",),
        headers=("qe_gather_at.h",),
    )

"""GATHER on the device."""

from __future__ import annotations

import math

from qembed.export import fields
from qembed.export.lowering import CArray, Lowering
from qembed.ir import Graph, Node
from qembed.ops.gather import Gather


def lower(node: Node, graph: Graph) -> Lowering:
    """Fill the portable kernel's parameters."""
    params: Gather = node.params
    x = graph.tensors[node.inputs[0]]
    size, inner = x.shape[params.axis], x.shape[params.axis + 1 :]
    return Lowering(
        stem="gather",
        variant="portable",
        function="qe_gather",
        params_type="qe_gather_params",
        fields={
            "repeats": math.prod(x.shape[: params.axis]),
            "size": size,
            "slice_bytes": math.prod(inner) * fields.item_bytes(x),
            "count": params.indices.size,
            "positions": CArray("positions", "int32_t", params.indices),
        },
        sources=("portable/qe_gather.c",),
        headers=("qe_gather.h",),
    )

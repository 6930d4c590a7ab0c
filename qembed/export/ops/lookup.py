"""Functions of one int8 value on the device."""

from __future__ import annotations

import math

from qembed.export import overlaps
from qembed.export.lowering import CArray, Lowering
from qembed.ir import Graph, Node
from qembed.ops.lookup import Lookup


def lower(node: Node, graph: Graph) -> Lowering:
    """Fill the portable kernel's parameters."""
    params: Lookup = node.params
    x = graph.tensors[node.inputs[0]]
    return Lowering(
        stem="lookup",
        variant="portable",
        function="qe_lookup_s8",
        params_type="qe_lookup_params",
        fields={
            "count": math.prod(x.shape),
            "table": CArray("table", "int8_t", params.table),
        },
        sources=("portable/qe_lookup.c",),
        headers=("qe_lookup.h",),
        overlaps=overlaps.element_wise([x], x),
    )

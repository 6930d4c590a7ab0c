"""Functions of two int8 values on the device: 64 KiB of flash each."""

from __future__ import annotations

from qembed.export import fields, overlaps
from qembed.export.lowering import CArray, Lowering
from qembed.ir import Graph, Node
from qembed.ops.pair_lookup import PairLookup


def lower(node: Node, graph: Graph) -> Lowering:
    """Fill the portable kernel's parameters."""
    params: PairLookup = node.params
    inputs = [graph.tensors[i] for i in node.inputs]
    y = graph.tensors[node.outputs[0]]
    return Lowering(
        stem="pair_lookup",
        variant="portable",
        function="qe_pair_lookup_s8",
        params_type="qe_pair_lookup_params",
        fields={
            "inputs": fields.pair(inputs, y),
            "table": CArray("table", "int8_t", params.table),
        },
        sources=("portable/qe_pair_lookup.c",),
        headers=("qe_pair_lookup.h",),
        overlaps=overlaps.element_wise(inputs, y),
    )

"""BROADCAST_TO on the device."""

from __future__ import annotations

from qembed.export import fields
from qembed.export.lowering import Lowering
from qembed.ir import Graph, Node
from qembed.ops.broadcast_to import BroadcastTo


def lower(node: Node, graph: Graph) -> Lowering:
    """Fill the portable kernel's parameters."""
    params: BroadcastTo = node.params
    x = graph.tensors[node.inputs[0]]
    (walk,) = fields.broadcast_walks(["walk"], [x.shape], params.shape)
    return Lowering(
        stem="broadcast_to",
        variant="portable",
        function="qe_broadcast_to",
        params_type="qe_broadcast_to_params",
        fields={"walk": walk, "element_bytes": fields.item_bytes(x)},
        sources=("portable/qe_broadcast_to.c", "portable/qe_copy.c"),
        headers=("qe_broadcast_to.h",),
    )

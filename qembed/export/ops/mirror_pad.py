"""MIRROR_PAD on the device."""

from __future__ import annotations

import math

from qembed.export import fields
from qembed.export.lowering import Lowering
from qembed.ir import Graph, Node
from qembed.ops.mirror_pad import MirrorPad


def lower(node: Node, graph: Graph) -> Lowering:
    """Fill the portable kernel's parameters."""
    params: MirrorPad = node.params
    x = graph.tensors[node.inputs[0]]
    # Axes behind the last padded one move together: they are one element.
    rank = max((axis + 1 for axis, edge in enumerate(params.padding) if any(edge)), default=0)
    sizes, edges = x.shape[:rank], params.padding[:rank]
    extents = [n + sum(edge) for n, edge in zip(sizes, edges, strict=True)]
    return Lowering(
        stem="mirror_pad",
        variant="portable",
        function="qe_mirror_pad",
        params_type="qe_mirror_pad_params",
        fields={
            "rank": rank,
            "extents": fields.indices("extents", extents),
            "before": fields.indices("before", [edge[0] for edge in edges]),
            "sizes": fields.indices("sizes", sizes),
            "strides": fields.indices("strides", fields.dense_strides(sizes)),
            "repeat_edge": int(params.repeat_edge),
            "element_bytes": math.prod(x.shape[rank:]) * fields.item_bytes(x),
        },
        sources=("portable/qe_mirror_pad.c",),
        headers=("qe_mirror_pad.h",),
    )

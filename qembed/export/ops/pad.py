"""PAD on the device."""

from __future__ import annotations

import math

from qembed.export import fields
from qembed.export.lowering import Lowering
from qembed.ir import Graph, Node
from qembed.ops.pad import Pad


def lower(node: Node, graph: Graph) -> Lowering:
    """Fill the portable kernel's parameters."""
    params: Pad = node.params
    x = graph.tensors[node.inputs[0]]
    # Axes without padding, from the innermost outwards, make the rows longer.
    split = max((axis for axis, edge in enumerate(params.padding) if any(edge)), default=0)
    sizes, edges = x.shape[:split], params.padding[:split]
    row = math.prod(x.shape[split + 1 :])
    before, after = params.padding[split] if params.padding else (0, 0)
    return Lowering(
        stem="pad",
        variant="portable",
        function=f"qe_pad_{fields.SUFFIX[x.dtype]}",
        params_type="qe_pad_params",
        fields={
            "rank": split,
            "extents": fields.indices(
                "extents", [n + sum(e) for n, e in zip(sizes, edges, strict=True)]
            ),
            "before": fields.indices("before", [edge[0] for edge in edges]),
            "sizes": fields.indices("sizes", sizes),
            "row_before": before * row,
            "row": math.prod(x.shape[split:]),
            "row_after": after * row,
            "value": params.value,
        },
        sources=("portable/qe_pad.c",),
        headers=("qe_pad.h",),
    )

"""DynamicQuantizeLinear on the device."""

from __future__ import annotations

import math

from qembed.export.lowering import Lowering
from qembed.ir import Graph, Node


def lower(node: Node, graph: Graph) -> Lowering:
    """Fill the portable kernel's parameters."""
    return Lowering(
        stem="dynamic_quantize",
        variant="portable",
        function="qe_dynamic_quantize",
        params_type="qe_dynamic_quantize_params",
        fields={"count": math.prod(graph.tensors[node.inputs[0]].shape)},
        sources=("portable/qe_dynamic_quantize.c",),
        headers=("qe_dynamic_quantize.h",),
    )

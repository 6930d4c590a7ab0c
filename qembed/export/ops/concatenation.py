"""CONCATENATION and PACK on the device."""

from __future__ import annotations

import math

from qembed.export import fields
from qembed.export.lowering import Lowering
from qembed.ir import Graph, Node
from qembed.ops.concatenation import Concatenation


def lower(node: Node, graph: Graph) -> Lowering:
    """Fill the portable kernel's parameters."""
    params: Concatenation = node.params
    inputs = [graph.tensors[i] for i in node.inputs]
    repeats = math.prod(inputs[0].shape[: params.axis])
    return Lowering(
        stem="concatenation",
        variant="portable",
        function="qe_concatenation",
        params_type="qe_concatenation_params",
        fields={
            "input_count": len(inputs),
            "repeats": repeats,
            "run_bytes": fields.indices("run_bytes", [x.nbytes // repeats for x in inputs]),
        },
        sources=("portable/qe_concatenation.c",),
        headers=("qe_concatenation.h",),
        inputs_as_array=True,
    )

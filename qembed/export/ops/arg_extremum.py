"""ARG_MAX and ARG_MIN on the device."""

from __future__ import annotations

import math

from qembed.export.lowering import Lowering
from qembed.ir import Graph, Node
from qembed.ops.arg_extremum import ArgExtremum


def lower(node: Node, graph: Graph) -> Lowering:
    """Fill the portable kernel's parameters."""
    params: ArgExtremum = node.params
    x = graph.tensors[node.inputs[0]]
    return Lowering(
        stem="arg_extremum",
        variant="portable",
        function="qe_arg_extremum_s8",
        params_type="qe_arg_extremum_params",
        fields={
            "outer": math.prod(x.shape[: params.axis]),
            "size": x.shape[params.axis],
            "inner": math.prod(x.shape[params.axis + 1 :]),
            "largest": int(params.largest),
        },
        sources=("portable/qe_arg_extremum.c",),
        headers=("qe_arg_extremum.h",),
    )

"""FULLY_CONNECTED in little code: preconditions and parameters."""

from __future__ import annotations

import math
from dataclasses import replace

from qembed.export.lowering import Lowering
from qembed.export.ops import _compact, _tuned, conv_compact
from qembed.ir import Graph, Node, Tensor
from qembed.ops.fully_connected import FullyConnected
from qembed.plan.layout import NHWC, Orders, differs


def refusal(params: FullyConnected, x: Tensor, orders: Orders) -> str | None:
    """Why the kernel cannot run a layer, or None if it can."""
    if orders != NHWC and differs(x.shape):
        return "reads rows"
    if not _compact.fit(x.shape, params.weights.shape, (math.prod(x.shape[:-1]),)):
        return "counts to 65535"
    return _compact.refusal(params, params.weights, x.dtype)


def lower(node: Node, graph: Graph, orders: Orders) -> Lowering | None:
    """Lower a layer, or None if it must run as another variant."""
    params: FullyConnected = node.params
    x = graph.tensors[node.inputs[0]]
    if refusal(params, x, orders) is not None:
        return None
    outputs, inputs = params.weights.shape
    rows = math.prod(x.shape) // inputs
    if inputs % _compact.GROUP:
        # Rows must be copied to be filled up, which a 1x1 convolution of a column of pixels does.
        shapes = (1, rows, 1, inputs), (1, rows, 1, outputs)
        lowering = conv_compact.lower_layer(_tuned.as_convolution(params), *shapes)
        return replace(lowering, stem="fully_connected")
    return Lowering(
        stem="fully_connected",
        variant="compact",
        function="qe_fully_connected_compact",
        params_type="qe_fully_connected_compact_params",
        fields={
            "filters": _compact.filters(
                params,
                _compact.blocks(params.weights),
                inputs,
                _compact.narrowest(params, params.weights),
            ),
            "rows": rows,
        },
        sources=("compact/qe_fully_connected.c", "compact/qe_row.c"),
        headers=("qe_fully_connected_compact.h",),
        overlaps=(_tuned.row_overlap(rows, inputs, outputs, _compact.BLOCK, False),),
    )

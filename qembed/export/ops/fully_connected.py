"""FULLY_CONNECTED on the device."""

from __future__ import annotations

import math

import numpy as np

from qembed.export import fields, overlaps
from qembed.export.lowering import Lowering
from qembed.ir import Graph, Node
from qembed.ops.fully_connected import FullyConnected


def lower(node: Node, graph: Graph) -> Lowering:
    """Fill the portable kernel's parameters."""
    params: FullyConnected = node.params
    x = graph.tensors[node.inputs[0]]
    outputs, inputs = params.weights.shape
    rows = math.prod(x.shape) // inputs
    bits = "_w4" if params.weight_bits == 4 else ""
    return Lowering(
        stem="fully_connected",
        variant="portable",
        function=f"qe_fully_connected_{fields.SUFFIX[x.dtype]}{bits}",
        params_type="qe_fully_connected_params",
        fields={
            "rows": rows,
            "inputs": inputs,
            "outputs": outputs,
            "input_zero_point": params.input_zero_point,
            "weights": fields.weights(params.weights, params.weight_bits),
            "stage": fields.output_stage(
                params.bias,
                params.requantization,
                params.output_zero_point,
                params.activation_range,
            ),
        },
        sources=("portable/qe_fully_connected.c", "portable/qe_fixedpoint.c"),
        headers=("qe_fully_connected.h",),
        overlaps=overlaps.by_rows(rows, inputs, outputs, np.dtype(x.dtype).itemsize),
    )

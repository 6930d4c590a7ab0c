"""ADD for cores without DSP instructions: preconditions and parameters."""

from __future__ import annotations

import math

from qembed.arithmetic import Requantization
from qembed.export import overlaps
from qembed.export.lowering import Lowering, Value
from qembed.ir import Graph, Node
from qembed.ops.add import Add
from qembed.plan.layout import Orders

TABLES = 2048
"""Bytes of both inputs' tables."""


def lower(node: Node, graph: Graph, orders: Orders) -> Lowering | None:
    """Lower a layer of equal shapes and orders, or None."""
    params: Add = node.params
    x1, x2 = (graph.tensors[i] for i in node.inputs)
    if x1.dtype != "int8" or x1.shape != x2.shape or orders.inputs != orders.outputs:
        return None
    scales = (params.requantization1, params.requantization2, params.output_requantization)
    if any(by.rounding != "double" for by in scales):
        return None
    output = params.output_requantization
    return Lowering(
        stem="add",
        variant="m0",
        function="qe_add_m0",
        params_type="qe_add_m0_params",
        fields={
            "count": math.prod(x1.shape),
            "left_shift": params.left_shift,
            "input1": _input(params.input1_zero_point, params.requantization1),
            "input2": _input(params.input2_zero_point, params.requantization2),
            "multiplier": int(output.multiplier[0]),
            "shift": int(output.shift[0]),
            "zero_point": params.output_zero_point,
            "minimum": params.activation_range[0],
            "maximum": params.activation_range[1],
        },
        sources=("m0/qe_add.c", "portable/qe_fixedpoint.c"),
        headers=("qe_add_m0.h",),
        scratch_bytes=TABLES,
        overlaps=overlaps.element_wise((x1, x2), x1),
    )


def _input(zero_point: int, by: Requantization) -> dict[str, Value]:
    return {
        "zero_point": zero_point,
        "multiplier": int(by.multiplier[0]),
        "shift": int(by.shift[0]),
    }

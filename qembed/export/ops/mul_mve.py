"""MUL for Helium: preconditions and parameters."""

from __future__ import annotations

import math

from qembed.export import overlaps
from qembed.export.lowering import Lowering
from qembed.export.ops import _mve
from qembed.ir import Graph, Node, Tensor
from qembed.ops.mul import Mul
from qembed.plan.layout import Orders


def refusal(params: Mul, x1: Tensor, x2: Tensor, orders: Orders) -> str | None:
    """Why the kernel cannot run a layer, or None if it can."""
    if x1.dtype != "int8" or x1.shape != x2.shape or orders.inputs != orders.outputs:
        return "needs int8 inputs of one shape, in the order of the output"
    if not _mve.requantizes(params.requantization):
        return "needs double rounding and right shifts"
    return None


def lower(node: Node, graph: Graph, orders: Orders) -> Lowering | None:
    """Lower a layer, or None if it must run as another variant."""
    params: Mul = node.params
    x1, x2 = (graph.tensors[i] for i in node.inputs)
    if refusal(params, x1, x2, orders) is not None:
        return None
    return Lowering(
        stem="mul",
        variant="mve",
        function="qe_mul_mve",
        params_type="qe_mul_mve_params",
        fields={
            "count": math.prod(x1.shape),
            "zero_point1": params.input1_zero_point,
            "zero_point2": params.input2_zero_point,
            "multiplier": int(params.requantization.multiplier[0]),
            "shift": int(params.requantization.shift[0]),
            "quantization": _mve.output_fields(params.output_zero_point, params.activation_range),
        },
        sources=("mve/qe_mul.c",),
        headers=("qe_mul_mve.h", "qe_mve.h"),
        overlaps=overlaps.element_wise((x1, x2), x1),
    )

"""ADD in little code: preconditions and parameters."""

from __future__ import annotations

import math

from qembed.arithmetic import Requantization
from qembed.export import overlaps
from qembed.export.lowering import Lowering, Value
from qembed.ir import Graph, Node, Tensor
from qembed.ops.add import Add
from qembed.plan.layout import Orders

MAX_LEFT_SHIFT = 20
"""So that the sum of two inputs, raised by one bit more, stays below 2**30."""


def refusal(params: Add, x1: Tensor, x2: Tensor, orders: Orders) -> str | None:
    """Why the kernel cannot run a layer, or None if it can."""
    if x1.dtype != "int8" or x1.shape != x2.shape or orders.inputs != orders.outputs:
        return "needs int8 inputs of one shape, in the order of the output"
    if params.subtract or params.sum_scale is not None or params.left_shift > MAX_LEFT_SHIFT:
        return "adds, rounding as on the device"
    inputs = (params.requantization1, params.requantization2)
    if not all((_is_half(by) and params.left_shift) or _shifts_right(by) for by in inputs):
        return "needs input scales of one half or less"
    if not _shifts_right(params.output_requantization):
        return "needs an output scale below one half"
    return None


def lower(node: Node, graph: Graph, orders: Orders) -> Lowering | None:
    """Lower a layer, or None if it must run as another variant."""
    params: Add = node.params
    x1, x2 = (graph.tensors[i] for i in node.inputs)
    if refusal(params, x1, x2, orders) is not None:
        return None
    output = params.output_requantization
    return Lowering(
        stem="add",
        variant="compact",
        function="qe_add_compact",
        params_type="qe_add_compact_params",
        fields={
            "count": math.prod(x1.shape),
            "input1": _input(params.input1_zero_point, params.left_shift, params.requantization1),
            "input2": _input(params.input2_zero_point, params.left_shift, params.requantization2),
            "multiplier": int(output.multiplier[0]),
            "shift": -int(output.shift[0]),
            "zero_point": params.output_zero_point,
            "minimum": params.activation_range[0],
            "maximum": params.activation_range[1],
        },
        sources=("compact/qe_add.c",),
        headers=("qe_add_compact.h",),
        overlaps=overlaps.element_wise((x1, x2), x1),
    )


def _input(zero_point: int, left_shift: int, by: Requantization) -> dict[str, Value]:
    # An exact half of twice the value, shifted by one: nothing is rounded.
    half = _is_half(by)
    return {
        "multiplier": int(by.multiplier[0]),
        "zero_point": zero_point,
        "left_shift": left_shift + half,
        "shift": 1 if half else -int(by.shift[0]),
    }


def _shifts_right(by: Requantization) -> bool:
    return by.rounding == "double" and 1 <= -int(by.shift[0]) <= 30


def _is_half(by: Requantization) -> bool:
    return by.rounding == "double" and (int(by.multiplier[0]), int(by.shift[0])) == (1 << 30, 0)

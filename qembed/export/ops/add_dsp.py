"""ADD for the Cortex-M DSP extension: preconditions and parameters."""

from __future__ import annotations

import math

import numpy as np

from qembed.arithmetic import Requantization
from qembed.export import overlaps
from qembed.export.lowering import Lowering
from qembed.export.ops import _dsp
from qembed.ir import Graph, Node, Tensor
from qembed.ops.add import Add
from qembed.plan.layout import Orders

MAX_SUM_SHIFT = 22
"""Beyond, the output zero point no longer fits the addend of the final multiplication."""


def refusal(params: Add, x1: Tensor, x2: Tensor, orders: Orders) -> str | None:
    """Why the kernel cannot run a layer, or None if it can."""
    if x1.dtype != "int8" or x1.shape != x2.shape or orders.inputs != orders.outputs:
        return "needs int8 inputs of one shape, in the order of the output"
    if params.subtract or params.sum_scale is not None:
        return "adds, rounding as on the device"
    scales = (params.requantization1, params.requantization2, params.output_requantization)
    if any(by.rounding != "double" for by in scales) or params.left_shift == 0:
        return "rounds twice"
    exact = [_is_half(by) for by in scales[:2]]
    rights = [-int(by.shift[0]) for by in scales]
    if not any(exact):
        return "needs an input whose scale is exactly one half"
    other = exact.index(True) ^ 1
    if not exact[other] and not 1 <= rights[other] <= 30:
        return "needs input scales of one half or less"
    if not 1 <= rights[2] <= MAX_SUM_SHIFT:
        return "needs an output scale below one half"
    return None


def lower(node: Node, graph: Graph, orders: Orders) -> Lowering | None:
    """Lower a layer, or None if it must run as another variant."""
    params: Add = node.params
    x1, x2 = (graph.tensors[i] for i in node.inputs)
    if refusal(params, x1, x2, orders) is not None:
        return None
    scales = (params.requantization1, params.requantization2)
    zero_points = (params.input1_zero_point, params.input2_zero_point)
    x = 0 if _is_half(scales[0]) else 1
    w = 1 - x
    # An exact half as multiplier 2**30 of twice the value, shifted by one: nothing is rounded.
    w_exact = _is_half(scales[w])
    w_shift = 1 if w_exact else -int(scales[w].shift[0])
    w_left = params.left_shift + (2 if w_exact else 1)
    shift = -int(params.output_requantization.shift[0])
    return Lowering(
        stem="add",
        variant="dsp",
        function="qe_add_dsp",
        params_type="qe_add_dsp_params",
        fields={
            "count": math.prod(x1.shape),
            "x_is_second": x,
            "x_offset": -zero_points[x] << params.left_shift,
            "w_offset": -zero_points[w] << w_left,
            "left_shift": params.left_shift,
            "w_left_shift": w_left,
            "w_multiplier": int(scales[w].multiplier[0]),
            "w_half": 1 << (w_shift - 1),
            "w_shift": w_shift,
            "multiplier": int(params.output_requantization.multiplier[0]),
            "offset": (1 << (shift - 1)) + (params.output_zero_point << shift),
            "shift": shift,
            "quantization": _dsp.output_fields(
                params.output_requantization, params.output_zero_point, params.activation_range
            ),
        },
        sources=("dsp/qe_add.c",),
        headers=("qe_add_dsp.h", "qe_dsp.h"),
        overlaps=overlaps.element_wise((x1, x2), x1),
    )


def _is_half(by: Requantization) -> bool:
    return bool(np.all((by.multiplier == 1 << 30) & (by.shift == 0)))

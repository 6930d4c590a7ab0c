"""ADD and SUB for Helium: preconditions and parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from qembed.arithmetic import Int64Array, Requantization
from qembed.export import overlaps
from qembed.export.lowering import Lowering, Value
from qembed.export.ops import _mve
from qembed.ir import Graph, Node, Tensor
from qembed.ops import add
from qembed.ops.add import Add
from qembed.plan.layout import Orders

CANDIDATES = 64
"""Scales of the sum to try, those that fit best first."""
_ALL = np.arange(-128, 128)


@dataclass(frozen=True, slots=True)
class Plane:
    """``(multiplier1 * x1 + multiplier2 * x2 + offset) * scale / 2**31``, rounded once.

    Every intermediate fits 32 bits.
    """

    multiplier1: int
    multiplier2: int
    offset: int
    scale: int


def refusal(params: Add, x1: Tensor, x2: Tensor, orders: Orders) -> str | None:
    """Why the kernels cannot run a layer, or None if they can."""
    if x1.dtype != "int8" or x1.shape != x2.shape or orders.inputs != orders.outputs:
        return "needs int8 inputs of one shape, in the order of the output"
    if params.sum_scale is not None:
        return "rounds as on the device"
    scales = (params.requantization1, params.requantization2, params.output_requantization)
    if any(by.rounding != "double" for by in scales):
        return "rounds twice"
    return None


def lower(node: Node, graph: Graph, orders: Orders) -> Lowering | None:
    """Lower a layer, or None if it must run as another variant."""
    params: Add = node.params
    x1, x2 = (graph.tensors[i] for i in node.inputs)
    if refusal(params, x1, x2, orders) is not None:
        return None
    plane = find_plane(params)
    if plane is None and params.subtract:
        return None
    count = math.prod(x1.shape)
    return Lowering(
        stem="add",
        variant="mve",
        function="qe_add_mve" if plane is None else "qe_add_plane_mve",
        params_type="qe_add_mve_params" if plane is None else "qe_add_plane_mve_params",
        fields=_fields(params, count) if plane is None else _plane_fields(params, count, plane),
        sources=("mve/qe_add.c",),
        headers=("qe_add_mve.h", "qe_mve.h"),
        overlaps=overlaps.element_wise((x1, x2), x1),
    )


@lru_cache(maxsize=64)
def find_plane(params: Add) -> Plane | None:
    """Find a `Plane` that equals the definition for every pair of inputs."""
    x1, x2 = (part.reshape(-1) for part in np.meshgrid(_ALL, _ALL))
    wanted = add.reference(params, x1.astype(np.int16), x2.astype(np.int16)).astype(np.int64)
    order = np.argsort(wanted, kind="stable")
    x1, x2 = x1[order], x2[order]
    outputs, starts = np.unique(wanted[order], return_index=True)
    slopes = _slopes(params)
    constant = params.output_zero_point - slopes @ _zero_points(params)
    # Sums are at most this many steps of the output; scaled up they must fit a word.
    least = int(128 * np.abs(slopes).sum() + abs(constant)) + 2
    scales = np.arange(least, 4 * least)
    exact = slopes * (2.0**31 / scales[:, None])
    errors = (np.abs(exact - np.rint(exact)) * scales[:, None]).max(axis=1)
    for best in np.argsort(errors, kind="stable")[:CANDIDATES]:
        multipliers, scale = np.rint(exact[best]).astype(np.int64), int(scales[best])
        sums = multipliers[0] * x1 + multipliers[1] * x2
        ends = np.minimum.reduceat(sums, starts), np.maximum.reduceat(sums, starts)
        offset = _offset(params.activation_range, outputs, ends, scale)
        if offset is not None:
            return Plane(int(multipliers[0]), int(multipliers[1]), offset, scale)
    return None


def _offset(
    activation_range: tuple[int, int],
    outputs: Int64Array,
    sums: tuple[Int64Array, Int64Array],
    scale: int,
) -> int | None:
    """Find the least offset with which every rounded sum is what is wanted, once clamped.

    `sums` are the smallest and the largest one that must become each of `outputs`.
    """
    low, high = activation_range
    half = 1 << 30
    smallest = -((half - (outputs << 31)) // scale)
    largest = (((outputs + 1) << 31) - half - 1) // scale
    at_least = (smallest - sums[0])[outputs > low].max(initial=-(2**31))
    at_most = (largest - sums[1])[outputs < high].min(initial=2**31 - 1)
    if at_least > at_most:
        return None
    offset = int(min(max(0, at_least), at_most))
    reach = max(int(sums[1].max()) + offset, -int(sums[0].min()) - offset, abs(offset))
    return offset if reach < 1 << 31 else None


def _slopes(params: Add) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Output steps for one step of each input."""
    first, second, total = (
        float(by.multiplier[0]) * 2.0 ** (int(by.shift[0]) - 31)
        for by in (params.requantization1, params.requantization2, params.output_requantization)
    )
    sign = -1.0 if params.subtract else 1.0
    return np.array([first, sign * second]) * total * 2.0**params.left_shift


def _zero_points(params: Add) -> Int64Array:
    return np.array([params.input1_zero_point, params.input2_zero_point])


def _plane_fields(params: Add, count: int, plane: Plane) -> dict[str, Value]:
    return {
        "count": count,
        "multiplier1": plane.multiplier1,
        "multiplier2": plane.multiplier2,
        "offset": plane.offset,
        "scale": plane.scale,
        "quantization": _mve.output_fields(params.output_zero_point, params.activation_range),
    }


def _fields(params: Add, count: int) -> dict[str, Value]:
    output = params.output_requantization
    return {
        "count": count,
        "left_shift": params.left_shift,
        "input1": _input(params.input1_zero_point, params.requantization1),
        "input2": _input(params.input2_zero_point, params.requantization2),
        "multiplier": int(output.multiplier[0]),
        "shift": int(output.shift[0]),
        "quantization": _mve.output_fields(params.output_zero_point, params.activation_range),
    }


def _input(zero_point: int, by: Requantization) -> dict[str, Value]:
    return {
        "zero_point": zero_point,
        "multiplier": int(by.multiplier[0]),
        "shift": int(by.shift[0]),
    }

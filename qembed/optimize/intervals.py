"""Between which two values every byte of every tensor lies, whatever the input.

An accumulator is a sum, and each of its terms is largest and smallest at an end of its input's
interval; requantizing and clamping never decrease. So the ends of an output are computed from the
ends of its input, by the operator's own definition. A padded position contributes nothing to either
end, as it contributes nothing to the sum.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from qembed.arithmetic import Int64Array, Requantization, requantize
from qembed.ir import AnyArray, Graph, Node, Tensor
from qembed.ops import OPERATORS

DTYPES = ("int8", "int16")
"""Types of activations that are followed; of others nothing is claimed."""

SUMS = ("conv", "depthwise_conv", "fully_connected")
"""Operators that sum products of weights and inputs, and requantize the sum."""

MONOTONE = frozenset(
    (
        "average_pool",
        "broadcast_to",
        "concatenation",
        "max_pool",
        "pad",
        "reshape",
        "resize_nearest",
        "strided_slice",
        "transpose",
    )
)
"""Operators whose outputs never decrease when an input grows."""

POINTWISE = frozenset(
    ("add", "extremum", "lookup", "mul", "prelu", "quantize", "sigmoid", "squared_difference")
)
"""Operators whose outputs depend on the inputs at the same place alone, after broadcasting."""


@dataclass(frozen=True, slots=True, eq=False)
class Interval:
    """Both ends of every value, inclusive.

    Attributes
    ----------
    low, high : ndarray
        Of the tensor's shape and type.
    """

    low: AnyArray
    high: AnyArray

    @property
    def known(self) -> AnyArray:
        """Where only one value is possible: bool, the tensor's shape."""
        return np.asarray(self.low == self.high)

    def constant_channels(self) -> AnyArray:
        """Which indices of the last axis are known at every place: bool, shape (C,)."""
        return np.asarray(self.known.reshape(-1, self.low.shape[-1]).all(axis=0))


def of(graph: Graph) -> dict[int, Interval]:
    """Return the interval of every tensor of a followed type, by index.

    Parameters
    ----------
    graph : Graph
        Validated.
    """
    found: dict[int, Interval] = {}
    for index, tensor in enumerate(graph.tensors):
        if tensor.dtype in DTYPES:
            data = tensor.data
            found[index] = _anything(tensor) if data is None else Interval(data, data)
    for node in graph.nodes:
        rule = _rule(node.op)
        output = graph.tensors[node.outputs[0]]
        # State is also read before it is written: it stays anything.
        followed = output.dtype in DTYPES and output.reset_value is None
        if rule and followed and all(index in found for index in node.inputs):
            ends = rule(node, output, *(found[index] for index in node.inputs))
            found[node.outputs[0]] = ends
    return found


def _rule(op: str) -> Callable[..., Interval] | None:
    if op in SUMS:
        return _sum_of_products
    if op in MONOTONE:
        return _monotone
    if op in POINTWISE:
        return _pointwise
    return _mean if op == "mean" else None


def _anything(tensor: Tensor) -> Interval:
    limits = np.iinfo(tensor.dtype)
    ends = (np.full(tensor.shape, end, tensor.dtype) for end in (limits.min, limits.max))
    return Interval(*ends)


def _run(node: Node, output: Tensor, *arrays: AnyArray) -> AnyArray:
    return np.reshape(OPERATORS[node.op].reference(node.params, *arrays), output.shape)


def _monotone(node: Node, output: Tensor, *inputs: Interval) -> Interval:
    low = _run(node, output, *(x.low for x in inputs))
    return Interval(low, _run(node, output, *(x.high for x in inputs)))


def _pointwise(node: Node, output: Tensor, *inputs: Interval) -> Interval:
    value = _run(node, output, *(x.low for x in inputs))
    known = np.broadcast_to(True, output.shape)
    for x in inputs:
        known = known & x.known
    return _known_or_anything(value, known, output)


def _mean(node: Node, output: Tensor, x: Interval) -> Interval:
    known = x.known.all(axis=node.params.axes).reshape(output.shape)
    return _known_or_anything(_run(node, output, x.low), known, output)


def _known_or_anything(value: AnyArray, known: AnyArray, tensor: Tensor) -> Interval:
    anything = _anything(tensor)
    return Interval(np.where(known, value, anything.low), np.where(known, value, anything.high))


def _sum_of_products(node: Node, output: Tensor, x: Interval) -> Interval:
    sums = accumulator(node, x)
    params = node.params
    # Where the fixed-point arithmetic could wrap around, it is not monotone: the clamp alone holds.
    sound = _never_wraps(sums, params.requantization)
    ends = []
    for acc, clamp in zip(sums, params.activation_range, strict=True):
        y = requantize(acc, params.requantization) + params.output_zero_point
        y = np.where(sound, np.clip(y, *params.activation_range), clamp)
        ends.append(y.reshape(output.shape).astype(output.dtype))
    return Interval(*ends)


def accumulator(node: Node, x: Interval) -> tuple[Int64Array, Int64Array]:
    """Return both ends of every sum of a layer that sums products; each is reached."""
    weights = node.params.weights
    positive = dataclasses.replace(node.params, weights=np.maximum(weights, 0))
    negative = _without_bias(node.params, np.minimum(weights, 0))
    accumulate = OPERATORS[node.op].accumulate
    assert accumulate is not None
    low = accumulate(positive, x.low) + accumulate(negative, x.high)
    return low, accumulate(positive, x.high) + accumulate(negative, x.low)


def _without_bias(params: Any, weights: AnyArray) -> Any:
    return dataclasses.replace(params, weights=weights, bias=np.zeros_like(params.bias))


def contribution(node: Node, weights: AnyArray, x: AnyArray) -> Int64Array:
    """Return what inputs `x` add to every sum through `weights`, in place of the layer's own."""
    accumulate = OPERATORS[node.op].accumulate
    assert accumulate is not None
    added: Int64Array = accumulate(_without_bias(node.params, weights), x)
    return added


def _never_wraps(sums: tuple[Int64Array, Int64Array], by: Requantization) -> AnyArray:
    """Where requantizing every value between these sums stays inside its integers."""
    if by.real is not None or by.rounding == "single":
        return np.broadcast_to(True, sums[0].shape)
    if by.rounding == "wide":
        # |sum| < 2**47 and multiplier < 2**15: the result is below 2**31 if this is.
        reach, gain = np.maximum(abs(sums[0]), abs(sums[1])), by.shift.astype(np.float64)
        fits = reach * 2.0**gain < 2.0**30
        return np.asarray(fits | (by.multiplier == 0))
    left = np.maximum(by.shift, 0).astype(np.int64)
    low, high = (np.left_shift(end, left) for end in sums)
    fits = (low >= -(1 << 31)) & (high < 1 << 31)
    return np.asarray(fits | (by.multiplier == 0))

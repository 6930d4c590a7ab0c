"""Functions of one or two tensors, value by value, and the activations that layers absorb."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from qembed.errors import ModelError, UnsupportedError
from qembed.importers.onnx.reader import Node
from qembed.importers.onnx.signals import (
    Builder,
    Layer,
    Signal,
    constant,
    emit,
    entry,
    natural,
    real_signal,
    stored,
)
from qembed.ir import Shape
from qembed.numerics import Ends
from qembed.ops._check import broadcast
from qembed.ops.reshape import Reshape
from qembed.tflite.reader import Value

UNARY = {
    "Abs": ("ABS", 0.0),
    "Ceil": ("CEIL", 0.0),
    "Elu": ("ELU", 1.0),
    "Floor": ("FLOOR", 0.0),
    "HardSwish": ("HARD_SWISH", 0.0),
    "LeakyRelu": ("LEAKY_RELU", 0.01),
    "Neg": ("NEG", 0.0),
    "Reciprocal": ("RECIPROCAL", 0.0),
    "Sigmoid": ("LOGISTIC", 0.0),
    "Sqrt": ("SQRT", 0.0),
    "Tanh": ("TANH", 0.0),
}
"""ONNX operator: operator of a .tflite file, and its alpha where the file leaves it out."""

BINARY = {
    "Add": "ADD",
    "Div": "DIV",
    "Max": "MAXIMUM",
    "Min": "MINIMUM",
    "Mul": "MUL",
    "Sub": "SUB",
}


def convert_unary(b: Builder, node: Node) -> None:
    """Return a layer of one operand; the order of its axes does not matter."""
    x = real_signal(b, node, 0)
    code, default = UNARY[node.code]
    alpha = float(node.attributes.get("alpha", default))
    if code == "ELU" and alpha != 1.0:
        raise UnsupportedError(f"alpha is {alpha}, must be 1")
    options = {"alpha": alpha} if code == "LEAKY_RELU" else {}
    b.entries[node.outputs[0]] = Layer(
        node, code, (x.value,), x.value.shape, x.axes, options, unsigned=x.unsigned
    )


def convert_relu(b: Builder, node: Node) -> None:
    """Clamp at zero."""
    _clamp(b, node, (0.0, None))


def convert_clip(b: Builder, node: Node) -> None:
    """Clamp at constants: inputs, or attributes in older files."""
    ends = []
    for index, name in ((1, "min"), (2, "max")):
        given = constant(b, node, index)
        if given is None:
            number = node.attributes.get(name)
        elif given.size == 1:
            number = float(given.reshape(-1)[0])
        else:
            raise UnsupportedError(f"{name} must be a single number")
        finite = number is not None and abs(number) < float(np.finfo(np.float32).max)
        ends.append(number if finite else None)
    _clamp(b, node, (ends[0], ends[1]))


def _clamp(b: Builder, node: Node, ends: Ends) -> None:
    given = entry(b, node, 0)
    if not isinstance(given, Layer):
        x = real_signal(b, node, 0)
        given = Layer(node, "RELU", (x.value,), x.value.shape, x.axes, unsigned=x.unsigned)
    lows = [end for end in (given.ends[0], ends[0]) if end is not None]
    highs = [end for end in (given.ends[1], ends[1]) if end is not None]
    narrowed: Ends = (max(lows, default=None), min(highs, default=None))
    low, high = narrowed
    if low is not None and high is not None and low > high:
        raise ModelError(f"the clamp [{low}, {high}] is empty")
    b.entries[node.outputs[0]] = replace(given, ends=narrowed)


def convert_binary(b: Builder, node: Node) -> None:
    """Return a layer of two operands, broadcast against each other."""
    if len(node.inputs) != 2:
        raise UnsupportedError(f"{len(node.inputs)} operands, must be two")
    one, other = (real_signal(b, node, index) for index in (0, 1))
    _pair(b, node, BINARY[node.code], one, other)


def convert_prelu(b: Builder, node: Node) -> None:
    """Slopes must be constants."""
    x, slope = real_signal(b, node, 0), real_signal(b, node, 1)
    if slope.value.data is None:
        raise UnsupportedError(f"slopes '{node.inputs[1]}' must be a constant")
    _pair(b, node, "PRELU", x, slope)


def _pair(b: Builder, node: Node, code: str, one: Signal, other: Signal) -> None:
    values, axes = _aligned(b, one, other)
    shape = broadcast(values[0].shape, values[1].shape)
    options = {"first_repeats": _repeats_inside(one.shape, other.shape)}
    b.entries[node.outputs[0]] = Layer(
        node, code, values, shape, axes, options, unsigned=one.unsigned or other.unsigned
    )


def _repeats_inside(one: Shape, other: Shape) -> bool:
    """Whether the first operand repeats along the last axis of the file that is longer than 1."""
    rank = max(len(one), len(other))
    pairs = zip(*((1,) * (rank - len(shape)) + shape for shape in (one, other)), strict=True)
    return next((n == 1 for n, m in reversed(list(pairs)) if max(n, m) > 1), True)


def _aligned(b: Builder, one: Signal, other: Signal) -> tuple[tuple[Value, Value], tuple[int, ...]]:
    """Bring two operands to one order of axes: that of the first that is not a constant."""
    leader = other if one.value.data is not None else one
    rank = max(len(one.shape), len(other.shape))
    if len(leader.shape) < rank:
        first, second = natural(b, one), natural(b, other)
        return (first, second), tuple(range(rank))
    order = [
        leader.axes.index(axis) if axis in leader.axes else None
        for axis in range(len(leader.value.shape))
    ]
    first, second = (
        v.value if v is leader else stored(b, _with_rank(b, v, rank), order) for v in (one, other)
    )
    return (first, second), leader.axes


def _with_rank(b: Builder, given: Signal, rank: int) -> Signal:
    """Give a signal axes of size 1 in front."""
    missing = rank - len(given.shape)
    if not missing:
        return given
    value = given.value
    shape: Shape = (*(1,) * missing, *value.shape)
    axes = (*range(missing), *(axis + missing for axis in given.axes))
    wide = emit(b, "reshape", Reshape(shape), [value], f"{value.name}/wide", value)
    return replace(given, value=wide, axes=axes)

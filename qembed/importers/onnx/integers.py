"""Layers of an .onnx file in integers, by the recipes that .tflite files follow.

ONNX lets every operator have any output scale. Where the arithmetic implies one, or wants the
input's, a conversion from one scale to the other is added here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from qembed import tables
from qembed.errors import UnsupportedError
from qembed.importers.onnx import float32
from qembed.importers.tflite import values
from qembed.importers.tflite.ops import CONVERTERS, lookup, softmax
from qembed.importers.tflite.values import Step
from qembed.ir import Quantization
from qembed.numerics import ACTIVATION_LIMITS, Numerics, activation_range
from qembed.ops import OPERATORS
from qembed.ops.lookup import Lookup
from qembed.tflite.reader import Operator, Value

Convert = Callable[[Operator, Numerics], list[Step]]

CLAMPING = frozenset(
    (
        "ADD",
        "AVERAGE_POOL_2D",
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "FULLY_CONNECTED",
        "MUL",
        "SUB",
        "TRANSPOSE_CONV",
    )
)
"""Operators with a clamp of their own."""

IMPLIED = {
    "LOGISTIC": lookup.LOGISTIC_OUTPUT,
    "SOFTMAX": softmax.OUTPUTS["int8"],
    "TANH": lookup.TANH_OUTPUT,
}
"""Output quantization of int8 that the arithmetic implies."""

LIKE_INPUT = frozenset(("AVERAGE_POOL_2D", "REDUCE_MAX", "REDUCE_MIN", "RESIZE_BILINEAR"))
LIKE_OUTPUT = frozenset(("CONCATENATION", "MAXIMUM", "MINIMUM"))
"""Operators whose tensors all have one scale."""


def convert(op: Operator, numerics: Numerics) -> list[Step]:
    """Return the steps of one layer; its output has any scale, its clamp any ends."""
    if op.code in float32.UNARY and op.code not in CONVERTERS:
        return float32.convert(op, numerics)
    op = replace(op, inputs=tuple(_quantized(value) for value in op.inputs))
    if op.options["activation"] != "NONE" and op.code not in CLAMPING:
        return _clamped(op, numerics)
    (y,) = op.outputs
    if op.code in IMPLIED:
        if y.dtype != "int8":
            raise UnsupportedError(f"output {values.describe(y)} must be int8 or uint8")
        return _through(op, numerics, IMPLIED[op.code])
    if op.code in LIKE_INPUT:
        assert op.inputs[0] is not None
        return _through(op, numerics, values.quantization(op.inputs[0]))
    if op.code in LIKE_OUTPUT:
        before, inputs = [], []
        for number, x in enumerate(op.inputs):
            assert x is not None
            steps, same = requantized(x, y, f"operand {number}", numerics)
            before += steps
            inputs.append(same)
        return [*before, *_converted(replace(op, inputs=tuple(inputs)), numerics)]
    return _converted(op, numerics)


def _converted(op: Operator, numerics: Numerics) -> list[Step]:
    if op.code not in CONVERTERS:
        raise UnsupportedError("this operator has no form in integers")
    return CONVERTERS[op.code](op, numerics)


def _quantized(value: Value | None) -> Value | None:
    """Return an operand; a single real constant becomes an int8 with a scale of its own."""
    if value is None or value.dtype != "float32":
        return value
    number = float(float32.single(value))
    scale = np.array([max(abs(number), 2.0**-100) / 127], np.float32)
    data = np.full(value.shape, np.sign(number) * 127, np.int8)
    point = np.zeros(1, np.int64)
    return replace(value, dtype="int8", data=data, scales=scale, zero_points=point)


def requantized(x: Value, y: Value, suffix: str, numerics: Numerics) -> tuple[list[Step], Value]:
    """Return `x` on the scale of `y`, and what it takes to bring it there."""
    if x.dtype == y.dtype and values.quantization(x) == values.quantization(y):
        return [], x
    target = replace(y, name=f"{y.name}/{suffix}", shape=x.shape, data=None)
    op = Operator("QUANTIZE", 0, {}, (x,), (target,))
    if x.data is not None:
        (step,) = CONVERTERS["QUANTIZE"](op, numerics)
        data = OPERATORS[step.stem].reference(step.params, x.data)
        return [], replace(target, data=data)
    return quantize(op, numerics), target


def quantize(op: Operator, numerics: Numerics) -> list[Step]:
    """From one scale to another, or from real numbers, in whatever way the profile does it."""
    how: Convert = float32.quantize if numerics.in_float32 else CONVERTERS["QUANTIZE"]
    return how(op, numerics)


def _through(op: Operator, numerics: Numerics, middle: Quantization) -> list[Step]:
    """Compute on the scale that the operator wants, then go to that of the file."""
    (y,) = op.outputs
    if values.quantization(y) == middle:
        return _converted(op, numerics)
    raw = replace(
        y,
        name=f"{y.name}/raw",
        scales=np.array([middle.scale], np.float32),
        zero_points=np.array([middle.zero_point], np.int64),
    )
    first = _converted(replace(op, outputs=(raw,)), numerics)
    second = quantize(Operator("QUANTIZE", op.index, {}, (raw,), (y,)), numerics)
    return _as_one_table(first, second) if op.code in IMPLIED else [*first, *second]


def _as_one_table(first: list[Step], second: list[Step]) -> list[Step]:
    """Return one lookup for two functions of one value."""
    (conversion,) = second
    if len(first) > 1 or first[0].stem != "lookup":
        return [*first, *second]
    table = OPERATORS[conversion.stem].reference(conversion.params, first[0].params.table)
    return [replace(first[0], params=Lookup(table), outputs=conversion.outputs)]


def _clamped(op: Operator, numerics: Numerics) -> list[Step]:
    """Return the layer, and a table that clamps unless the type does."""
    (y,) = op.outputs
    ends = op.options["activation"]
    free = replace(op, options={**op.options, "activation": "NONE"})
    if y.dtype != "int8":
        raise UnsupportedError(f"a clamp of {values.describe(y)} behind this operator")
    point = values.quantization(y)
    bounds = activation_range(ends, point.scale, point.zero_point, "int8")
    if op.code == "RELU":  # a clamp and nothing else
        assert op.inputs[0] is not None
        table = tables.relu(values.quantization(op.inputs[0]), point, bounds, numerics)
        return [Step("lookup", Lookup(table), (op.inputs[0],), (y,))]
    if bounds == (-128, 127):
        return convert(free, numerics)
    raw = replace(y, name=f"{y.name}/unclamped")
    table = np.clip(np.arange(-128, 128), *bounds).astype(np.int8)
    steps = convert(replace(free, outputs=(raw,)), numerics)
    return [*steps, Step("lookup", Lookup(table), (raw,), (y,))]


def is_free(op: Operator) -> bool:
    """Whether an operator has no clamp."""
    return bool(op.options["activation"] in ("NONE", ACTIVATION_LIMITS["NONE"]))

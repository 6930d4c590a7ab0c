"""CONCATENATION and PACK to `qembed.ops.concatenation`."""

from __future__ import annotations

from qembed.errors import UnsupportedError
from qembed.importers.tflite import values
from qembed.importers.tflite.values import Step
from qembed.numerics import Numerics
from qembed.ops.concatenation import Concatenation
from qembed.ops.reshape import Reshape
from qembed.tflite.reader import Operator, Value


def convert(op: Operator, numerics: Numerics) -> list[Step]:
    """Return one concatenation."""
    if op.options["activation"] != "NONE":
        raise UnsupportedError(f"fused activation {op.options['activation']} is not supported")
    y = values.result(op, values.MOVABLE)
    inputs = _tied_inputs(op, y)
    axis = values.axis_of(op.options["axis"], len(y.shape))
    return [Step("concatenation", Concatenation(axis), inputs, (y,))]


def convert_pack(op: Operator, numerics: Numerics) -> list[Step]:
    """Give every input one more axis, then concatenate along it."""
    y = values.result(op, values.MOVABLE)
    axis = values.axis_of(op.options["axis"], len(y.shape))
    steps, parts = [], []
    for number, x in enumerate(_tied_inputs(op, y)):
        shape = (*x.shape[:axis], 1, *x.shape[axis:])
        part = values.between(y, f"part {number}", shape)
        steps.append(Step("reshape", Reshape(shape), (x,), (part,)))
        parts.append(part)
    return [*steps, Step("concatenation", Concatenation(axis), tuple(parts), (y,))]


def _tied_inputs(op: Operator, y: Value) -> tuple[Value, ...]:
    inputs = tuple(values.operand(op, i, (y.dtype,)) for i in range(len(op.inputs)))
    for x in inputs:
        values.require_tied(x, y)
    return inputs

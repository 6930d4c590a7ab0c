"""SELECT_V2 to `qembed.ops.select`."""

from __future__ import annotations

from qembed.importers.tflite import values
from qembed.importers.tflite.values import Step
from qembed.numerics import Numerics
from qembed.ops.select import Select
from qembed.tflite.reader import Operator


def convert(op: Operator, numerics: Numerics) -> list[Step]:
    """Return one select."""
    y = values.result(op)
    condition = values.operand(op, 0, ("bool",))
    x1, x2 = values.operand(op, 1, (y.dtype,)), values.operand(op, 2, (y.dtype,))
    values.require_tied(x1, y)
    values.require_tied(x2, y)
    return [Step("select", Select(), (condition, x1, x2), (y,))]

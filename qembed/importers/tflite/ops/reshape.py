"""RESHAPE, SQUEEZE and EXPAND_DIMS to `qembed.ops.reshape`."""

from __future__ import annotations

from qembed.importers.tflite import values
from qembed.importers.tflite.values import Step
from qembed.ir import DTYPES
from qembed.numerics import Numerics
from qembed.ops.reshape import Reshape
from qembed.tflite.reader import Operator


def convert(op: Operator, numerics: Numerics) -> list[Step]:
    """Return one reshape to the shape that the file declares for the output."""
    x, y = values.operand(op, 0, DTYPES), values.result(op, DTYPES)
    if x.scales.size and y.scales.size:
        values.require_tied(x, y)
    return [Step("reshape", Reshape(y.shape), (x,), (y,))]

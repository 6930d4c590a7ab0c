"""MAXIMUM and MINIMUM to `qembed.ops.extremum`."""

from __future__ import annotations

from qembed.importers.tflite import values
from qembed.importers.tflite.values import Step
from qembed.numerics import Numerics
from qembed.ops.extremum import Extremum
from qembed.tflite.reader import Operator


def convert(op: Operator, numerics: Numerics) -> list[Step]:
    """Compare raw values, which therefore must share one scale."""
    y = values.result(op)
    x1, x2 = values.operand(op, 0, (y.dtype,)), values.operand(op, 1, (y.dtype,))
    values.require_tied(x1, y)
    values.require_tied(x2, y)
    return [Step("extremum", Extremum(op.code == "MAXIMUM"), (x1, x2), (y,))]

"""ARG_MAX and ARG_MIN to `qembed.ops.arg_extremum`."""

from __future__ import annotations

from qembed.errors import ModelError
from qembed.importers.tflite import values
from qembed.importers.tflite.values import Step
from qembed.numerics import Numerics
from qembed.ops.arg_extremum import ArgExtremum
from qembed.tflite.reader import Operator


def convert(op: Operator, numerics: Numerics) -> list[Step]:
    """Return one arg_extremum."""
    x, y = values.operand(op, 0, ("int8",)), values.result(op, ("int32",))
    axis = values.integers(values.operand(op, 1, ("int32",)))
    if len(axis) != 1:
        raise ModelError("the axis must be one number")
    params = ArgExtremum(op.code == "ARG_MAX", values.axis_of(axis[0], len(x.shape)))
    return [Step("arg_extremum", params, (x,), (y,))]

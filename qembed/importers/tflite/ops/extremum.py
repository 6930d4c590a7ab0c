"""MAXIMUM, MINIMUM, REDUCE_MAX, REDUCE_MIN, ARG_MAX, ARG_MIN: the three `*extremum` operators."""

from __future__ import annotations

from qembed.errors import ModelError
from qembed.importers.tflite import values
from qembed.importers.tflite.ops.mean import axes_of
from qembed.importers.tflite.reader import Operator
from qembed.importers.tflite.values import Step
from qembed.numerics import Numerics
from qembed.ops.arg_extremum import ArgExtremum
from qembed.ops.extremum import Extremum
from qembed.ops.reduce_extremum import ReduceExtremum


def convert(op: Operator, numerics: Numerics) -> list[Step]:
    """Compare raw values, which therefore must share one scale."""
    y = values.result(op)
    x1, x2 = values.operand(op, 0, (y.dtype,)), values.operand(op, 1, (y.dtype,))
    values.require_tied(x1, y)
    values.require_tied(x2, y)
    return [Step("extremum", Extremum(op.code == "MAXIMUM"), (x1, x2), (y,))]


def convert_reduce(op: Operator, numerics: Numerics) -> list[Step]:
    """Return one reduce_extremum."""
    x, y = values.operand(op, 0, ("int8",)), values.result(op)
    values.require_tied(x, y)
    params = ReduceExtremum(
        largest=op.code == "REDUCE_MAX",
        axes=axes_of(values.operand(op, 1, ("int32",)), x.shape),
        keep_dims=bool(op.options["keep_dims"]),
    )
    return [Step("reduce_extremum", params, (x,), (y,))]


def convert_arg(op: Operator, numerics: Numerics) -> list[Step]:
    """Return one arg_extremum."""
    x, y = values.operand(op, 0, ("int8",)), values.result(op, ("int32",))
    axis = values.integers(values.operand(op, 1, ("int32",)))
    if len(axis) != 1:
        raise ModelError("the axis must be one number")
    params = ArgExtremum(op.code == "ARG_MAX", values.axis_of(axis[0], len(x.shape)))
    return [Step("arg_extremum", params, (x,), (y,))]

"""REDUCE_MAX and REDUCE_MIN to `qembed.ops.reduce_extremum`."""

from __future__ import annotations

from qembed.importers.tflite import values
from qembed.importers.tflite.ops.mean import axes_of
from qembed.importers.tflite.values import Step
from qembed.numerics import Numerics
from qembed.ops.reduce_extremum import ReduceExtremum
from qembed.tflite.reader import Operator


def convert(op: Operator, numerics: Numerics) -> list[Step]:
    """Return one reduce_extremum."""
    x, y = values.operand(op, 0, ("int8",)), values.result(op)
    values.require_tied(x, y)
    params = ReduceExtremum(
        largest=op.code == "REDUCE_MAX",
        axes=axes_of(values.operand(op, 1, ("int32",)), x.shape),
        keep_dims=bool(op.options["keep_dims"]),
    )
    return [Step("reduce_extremum", params, (x,), (y,))]

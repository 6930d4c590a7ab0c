"""GATHER by positions that are an input, or with batch dimensions, to `qembed.ops.gather_at`."""

from __future__ import annotations

from qembed.importers.tflite import values
from qembed.importers.tflite.values import Step
from qembed.numerics import Numerics
from qembed.ops.gather_at import GatherAt
from qembed.tflite.reader import Operator


def convert(op: Operator, numerics: Numerics) -> list[Step]:
    """Return one gather_at; `qembed.importers.tflite.ops.gather` has checked the types."""
    x, positions = values.operand(op, 0, values.MOVABLE), values.operand(op, 1, ("int32",))
    axis = values.axis_of(op.options["axis"], len(x.shape))
    batch_axes = op.options["batch_dims"]
    if batch_axes < 0:
        batch_axes += len(positions.shape)
    y = values.result(op, values.MOVABLE)
    return [Step("gather_at", GatherAt(axis, batch_axes), (x, positions), (y,))]

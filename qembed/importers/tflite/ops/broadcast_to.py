"""BROADCAST_TO to `qembed.ops.broadcast_to`."""

from __future__ import annotations

from qembed.importers.tflite import values
from qembed.importers.tflite.values import Step
from qembed.numerics import Numerics
from qembed.ops.broadcast_to import BroadcastTo
from qembed.tflite.reader import Operator


def convert(op: Operator, numerics: Numerics) -> list[Step]:
    """Return one broadcast_to, to the shape that the file declares for the output."""
    x, y = values.operand(op, 0, values.MOVABLE), values.result(op, values.MOVABLE)
    values.require_tied(x, y)
    return [Step("broadcast_to", BroadcastTo(y.shape), (x,), (y,))]

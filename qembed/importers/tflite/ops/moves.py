"""BROADCAST_TO, GATHER and MIRROR_PAD to the operators of the same names."""

from __future__ import annotations

import numpy as np

from qembed.errors import ModelError, UnsupportedError
from qembed.importers.tflite import values
from qembed.importers.tflite.reader import Operator
from qembed.importers.tflite.values import Step
from qembed.numerics import Numerics
from qembed.ops.broadcast_to import BroadcastTo
from qembed.ops.gather import Gather
from qembed.ops.mirror_pad import MirrorPad


def convert_broadcast_to(op: Operator, numerics: Numerics) -> list[Step]:
    """Return one broadcast_to, to the shape that the file declares for the output."""
    x, y = values.operand(op, 0, values.MOVABLE), values.result(op, values.MOVABLE)
    values.require_tied(x, y)
    return [Step("broadcast_to", BroadcastTo(y.shape), (x,), (y,))]


def convert_gather(op: Operator, numerics: Numerics) -> list[Step]:
    """Positions must be constants: an index out of range cannot be refused on the chip."""
    x, y = values.operand(op, 0, values.MOVABLE), values.result(op, values.MOVABLE)
    values.require_tied(x, y)
    if op.options["batch_dims"]:
        raise UnsupportedError("batch dimensions are not supported")
    given = values.contents(values.operand(op, 1, ("int32",)))
    axis = values.axis_of(op.options["axis"], len(x.shape))
    params = Gather(axis, np.array(given, np.int32).reshape(-1))
    shape = (*x.shape[:axis], given.size, *x.shape[axis + 1 :])
    return values.reshaped(x, y, "gather", params, shape)


def convert_mirror_pad(op: Operator, numerics: Numerics) -> list[Step]:
    """Return one mirror_pad."""
    x, y = values.operand(op, 0), values.result(op)
    values.require_tied(x, y)
    table = values.contents(values.operand(op, 1, ("int32", "int64")))
    if table.shape != (len(x.shape), 2):
        raise ModelError(f"padding of shape {table.shape} does not fit {values.describe(x)}")
    padding = tuple((int(before), int(after)) for before, after in table)
    params = MirrorPad(padding, op.options["mode"] == "SYMMETRIC")
    return [Step("mirror_pad", params, (x,), (y,))]

"""GATHER to `qembed.ops.gather`."""

from __future__ import annotations

import numpy as np

from qembed.errors import UnsupportedError
from qembed.importers.tflite import values
from qembed.importers.tflite.values import Step
from qembed.numerics import Numerics
from qembed.ops.gather import Gather
from qembed.tflite.reader import Operator


def convert(op: Operator, numerics: Numerics) -> list[Step]:
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

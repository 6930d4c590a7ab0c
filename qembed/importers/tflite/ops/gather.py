"""GATHER to `qembed.ops.gather`."""

from __future__ import annotations

import numpy as np

from qembed.importers.tflite import values
from qembed.importers.tflite.ops import gather_at
from qembed.importers.tflite.values import Step
from qembed.numerics import Numerics
from qembed.ops.gather import Gather
from qembed.tflite.reader import Operator


def convert(op: Operator, numerics: Numerics) -> list[Step]:
    """One gather; it knows its positions unless they are an input, or differ between batches."""
    x, y = values.operand(op, 0, values.MOVABLE), values.result(op, values.MOVABLE)
    values.require_tied(x, y)
    positions = values.operand(op, 1, ("int32",))
    if positions.data is None or op.options["batch_dims"]:
        return gather_at.convert(op, numerics)
    axis = values.axis_of(op.options["axis"], len(x.shape))
    params = Gather(axis, np.array(positions.data, np.int32).reshape(-1))
    shape = (*x.shape[:axis], positions.data.size, *x.shape[axis + 1 :])
    return values.reshaped(x, y, "gather", params, shape)

"""MIRROR_PAD to `qembed.ops.mirror_pad`."""

from __future__ import annotations

from qembed.importers.tflite import values
from qembed.importers.tflite.ops.pad import padding_table
from qembed.importers.tflite.values import Step
from qembed.numerics import Numerics
from qembed.ops.mirror_pad import MirrorPad
from qembed.tflite.reader import Operator


def convert(op: Operator, numerics: Numerics) -> list[Step]:
    """Return one mirror_pad."""
    x, y = values.operand(op, 0), values.result(op)
    values.require_tied(x, y)
    params = MirrorPad(padding_table(op, x), op.options["mode"] == "SYMMETRIC")
    return [Step("mirror_pad", params, (x,), (y,))]

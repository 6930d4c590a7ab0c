"""PAD and PADV2 to `qembed.ops.pad`."""

from __future__ import annotations

from qembed.errors import ModelError
from qembed.importers.tflite import values
from qembed.importers.tflite.values import Step
from qembed.numerics import Numerics
from qembed.ops.pad import Pad
from qembed.tflite.reader import Operator, Value


def convert(op: Operator, numerics: Numerics) -> list[Step]:
    """Pad with the given value, without one with the zero point."""
    x, y = values.operand(op, 0), values.result(op)
    values.require_tied(x, y)
    value = values.quantization(y).zero_point
    given = values.optional_operand(op, 2, (x.dtype,))
    if given is not None:
        values.require_tied(given, y)
        if given.shape not in ((), (1,)):
            raise ModelError(f"padding value {values.describe(given)} must be a single number")
        (value,) = values.integers(given)
    return [Step("pad", Pad(padding_table(op, x), value), (x,), (y,))]


def padding_table(op: Operator, x: Value) -> tuple[tuple[int, int], ...]:
    """Return (before, after) for each axis of x, from input 1."""
    table = values.contents(values.operand(op, 1, ("int32", "int64")))
    if table.shape != (len(x.shape), 2):
        raise ModelError(f"padding of shape {table.shape} does not fit {values.describe(x)}")
    return tuple((int(before), int(after)) for before, after in table)

"""L2_NORMALIZATION to `qembed.ops.l2_normalization`."""

from __future__ import annotations

from qembed.errors import UnsupportedError
from qembed.importers.tflite import values
from qembed.importers.tflite.values import Step
from qembed.ir import Quantization
from qembed.numerics import Numerics
from qembed.ops.l2_normalization import L2Normalization
from qembed.tflite.reader import Operator

OUTPUT = Quantization(2.0**-7, 0)


def convert(op: Operator, numerics: Numerics) -> list[Step]:
    """Return one l2_normalization; the output's scale is implied."""
    x, y = values.operand(op, 0, ("int8",)), values.result(op, ("int8",))
    values.require_implied(y, OUTPUT)
    if op.options["activation"] != "NONE":
        raise UnsupportedError(f"fused activation {op.options['activation']} is not supported")
    if numerics.rounding != "double":
        raise UnsupportedError(f"profile {numerics.name} has no L2_NORMALIZATION yet")
    params = L2Normalization(values.quantization(x).zero_point)
    return [Step("l2_normalization", params, (x,), (y,))]

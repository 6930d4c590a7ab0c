"""SOFTMAX to `qembed.ops.softmax`."""

from __future__ import annotations

from qembed.arithmetic import quantize_multiplier
from qembed.errors import ModelError
from qembed.importers.tflite import values
from qembed.importers.tflite.reader import Operator, Value
from qembed.importers.tflite.values import Step
from qembed.numerics import Numerics
from qembed.ops.softmax import INTEGER_BITS, Softmax

# Output scale and zero point that the arithmetic implies.
OUTPUTS = {"int8": (2.0**-8, -128), "int16": (2.0**-16, -32768)}


def convert(op: Operator, numerics: Numerics) -> list[Step]:
    """Fold beta and the input scale into one multiplier: equation (20)."""
    x, y = values.operand(op, 0, ("int8",)), values.result(op)
    require_output(y)
    beta = float(op.options["beta"])
    if not 0.0 < beta < float("inf"):
        raise ModelError(f"option beta is {beta}, must be positive")
    real = min(beta * values.quantization(x).scale * (1 << (31 - INTEGER_BITS)), 2.0**31 - 1)
    if real <= 1.0:
        raise ModelError(f"beta times the scale of {values.describe(x)} is not above 2**-26")
    multiplier, shift = quantize_multiplier(real / 16)  # whose range ends at 2**30
    shift += 4
    diff_min = -(((1 << INTEGER_BITS) - 1 << (31 - INTEGER_BITS)) >> shift)
    params = Softmax(multiplier, shift, diff_min, values.dtype_of(y))
    return [Step("softmax", params, (x,), (y,))]


def require_output(y: Value) -> None:
    """Refuse an output whose scale is not the one that the arithmetic implies."""
    scale, zero_point = OUTPUTS[y.dtype]
    declared = values.quantization(y)
    tolerance = 0.0 if y.dtype == "int8" else 1e-3 * scale
    if abs(declared.scale - scale) > tolerance or declared.zero_point != zero_point:
        raise ModelError(
            f"output {values.describe(y)} must have scale {scale} and zero point {zero_point}"
        )

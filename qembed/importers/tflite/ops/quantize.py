"""QUANTIZE to `qembed.ops.quantize`."""

from __future__ import annotations

from qembed.importers.tflite import values
from qembed.importers.tflite.values import Step
from qembed.numerics import Numerics, requantization_of
from qembed.ops.quantize import Quantize
from qembed.tflite.reader import Operator

INTEGERS = ("int8", "uint8", "int16", "int32")


def convert(op: Operator, numerics: Numerics) -> list[Step]:
    """From real numbers by division; from integers by one multiplier.

    Also between types for which TFLite Micro has no kernel, by the same equation.
    """
    x, y = values.operand(op, 0, ("float32", *INTEGERS)), values.result(op, INTEGERS)
    output = values.quantization(y)
    if x.dtype == "float32":
        params = Quantize(values.dtype_of(y), output.zero_point, scale=output.scale)
    else:
        scale = values.quantization(x)
        params = Quantize(
            values.dtype_of(y),
            output.zero_point,
            requantization=requantization_of(scale.scale / output.scale, numerics.rounding),
            input_zero_point=scale.zero_point,
        )
    return [Step("quantize", params, (x,), (y,))]

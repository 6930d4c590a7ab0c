"""QUANTIZE to `qembed.ops.quantize`."""

from __future__ import annotations

from qembed.errors import UnsupportedError
from qembed.importers.tflite import values
from qembed.importers.tflite.reader import Operator
from qembed.importers.tflite.values import Step
from qembed.numerics import Numerics, requantization_of
from qembed.ops.quantize import Quantize

INTEGERS = ("int8", "uint8", "int16", "int32")

# From each input type to these output types, as in TFLite Micro.
PAIRS = {
    "float32": ("int8", "uint8", "int16"),
    "int8": ("int8", "uint8", "int16", "int32"),
    "uint8": ("int8",),
    "int16": ("int8", "int16", "int32"),
    "int32": ("int8", "int16"),
}


def convert(op: Operator, numerics: Numerics) -> list[Step]:
    """From real numbers by division; from integers by one multiplier."""
    x, y = values.operand(op, 0, tuple(PAIRS)), values.result(op, INTEGERS)
    if y.dtype not in PAIRS[x.dtype]:
        raise UnsupportedError(f"{values.describe(x)} cannot be converted to {y.dtype}")
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

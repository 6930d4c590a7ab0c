"""DEQUANTIZE to `qembed.ops.dequantize`."""

from __future__ import annotations

from qembed.importers.tflite import values
from qembed.importers.tflite.values import Step
from qembed.numerics import Numerics
from qembed.ops.dequantize import Dequantize
from qembed.tflite.reader import Operator


def convert(op: Operator, numerics: Numerics) -> list[Step]:
    """Return one dequantize. TFLite Micro silently ignores all scales but the first: refused."""
    x, y = (
        values.operand(op, 0, ("int8", "uint8", "int16", "int32")),
        values.result(op, ("float32",)),
    )
    scale = values.quantization(x)
    return [Step("dequantize", Dequantize(scale.scale, scale.zero_point), (x,), (y,))]

"""From operators of the file to nodes: one module each, and this table of them.

``convert(op, numerics)`` returns the steps that compute the operator's outputs, or raises a
QembedError that says what about it cannot be done.
"""

from __future__ import annotations

from collections.abc import Callable

from qembed.importers.tflite.ops import (
    add,
    conv,
    depthwise_conv,
    dequantize,
    fully_connected,
    mean,
    pad,
    pools,
    quantize,
    reshape,
    softmax,
)
from qembed.importers.tflite.reader import Operator
from qembed.importers.tflite.values import Step
from qembed.numerics import Numerics

CONVERTERS: dict[str, Callable[[Operator, Numerics], list[Step]]] = {
    "ADD": add.convert,
    "AVERAGE_POOL_2D": pools.convert_average,
    "CONV_2D": conv.convert,
    "DEPTHWISE_CONV_2D": depthwise_conv.convert,
    "DEQUANTIZE": dequantize.convert,
    "EXPAND_DIMS": reshape.convert,
    "FULLY_CONNECTED": fully_connected.convert,
    "MAX_POOL_2D": pools.convert_max,
    "MEAN": mean.convert,
    "PAD": pad.convert,
    "PADV2": pad.convert,
    "QUANTIZE": quantize.convert,
    "RESHAPE": reshape.convert,
    "SOFTMAX": softmax.convert,
    "SQUEEZE": reshape.convert,
}

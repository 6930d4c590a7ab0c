"""TRANSPOSE_CONV to `qembed.ops.transpose_conv`."""

from __future__ import annotations

from qembed.errors import ModelError
from qembed.importers.tflite import values
from qembed.importers.tflite.ops import conv
from qembed.importers.tflite.values import Step
from qembed.numerics import Numerics
from qembed.ops.transpose_conv import TransposeConv
from qembed.tflite.reader import Operator


def convert(op: Operator, numerics: Numerics) -> list[Step]:
    """Read output shape, weights OHWI, activations, bias, in this order."""
    shape = values.integers(values.operand(op, 0, ("int32",)))
    w, x, y = values.operand(op, 1, ("int8",)), values.operand(op, 2), values.result(op)
    weights = values.contents(w)
    if len(x.shape) != 4 or weights.ndim != 4 or shape != y.shape:
        raise ModelError(f"{values.describe(x)} and weights must be images, of output {shape}")
    stride = conv.strides(op)
    (top, _), (left, _) = conv.padding(op, y, weights.shape[1:3])
    params = TransposeConv(
        weights=weights,
        output_size=(shape[1], shape[2]),
        stride=stride,
        offset=(top, left),
        **conv.accumulation(op, numerics, x, w, y, weights.shape[0], 0, bias_index=3),
    )
    return [Step("transpose_conv", params, (x,), (y,))]

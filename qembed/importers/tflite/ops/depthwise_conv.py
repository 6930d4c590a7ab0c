"""DEPTHWISE_CONV_2D to `qembed.ops.depthwise_conv`."""

from __future__ import annotations

from qembed.errors import ModelError
from qembed.importers.tflite import values
from qembed.importers.tflite.ops import conv
from qembed.importers.tflite.values import Step
from qembed.numerics import Numerics
from qembed.ops.depthwise_conv import DepthwiseConv
from qembed.tflite.reader import Operator


def convert(op: Operator, numerics: Numerics) -> list[Step]:
    """Weights 1HWO, quantized along the last axis."""
    x, w, y = values.operand(op, 0), values.operand(op, 1, ("int8", "int4")), values.result(op)
    weights = values.contents(w)
    if len(x.shape) != 4 or len(weights.shape) != 4 or weights.shape[0] != 1:
        raise ModelError(
            f"input {values.describe(x)} must be NHWC, weights {values.describe(w)} 1HWO"
        )
    channels = weights.shape[3]
    if channels != x.shape[3] * op.options["depth_multiplier"]:
        raise ModelError(
            f"weights {values.describe(w)} do not have {op.options['depth_multiplier']} filters "
            f"for each of the {x.shape[3]} input channels"
        )
    params = DepthwiseConv(
        weights=weights[0],
        stride=conv.strides(op),
        dilation=conv.dilations(op),
        padding=conv.padding(op, x, weights.shape[1:3], conv.dilations(op)),
        **conv.accumulation(op, numerics, x, w, y, channels, 3),
    )
    return [Step("depthwise_conv", params, (x,), (y,))]

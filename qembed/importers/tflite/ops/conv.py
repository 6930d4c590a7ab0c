"""CONV_2D to `qembed.ops.conv`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from qembed.arithmetic import Requantization, Rounding
from qembed.errors import ModelError
from qembed.importers.tflite import values
from qembed.importers.tflite.values import Step
from qembed.ir import AnyArray, Padding2D
from qembed.numerics import (
    Numerics,
    activation_range,
    convolution_multipliers,
    float32_multipliers,
    requantization_of,
    window_padding,
)
from qembed.ops.conv import Conv
from qembed.tflite.reader import Operator, Value

# Rounding "wide" reduces the shift to 15 bits and needs room for it.
WIDE_LARGEST = 2.0**7


def convert(op: Operator, numerics: Numerics) -> list[Step]:
    """Weights OHWI; groups follow from the numbers of channels."""
    x, w, y = values.operand(op, 0), values.operand(op, 1, ("int8", "int4")), values.result(op)
    weights = values.contents(w)
    if len(x.shape) != 4 or len(weights.shape) != 4:
        raise ModelError(f"input {values.describe(x)} and weights must have four dimensions")
    params = Conv(
        weights=weights,
        stride=strides(op),
        dilation=dilations(op),
        padding=padding(op, x, weights.shape[1:3], dilations(op)),
        **accumulation(op, numerics, x, w, y, weights.shape[0], 0),
    )
    return [Step("conv", params, (x,), (y,))]


def strides(op: Operator) -> tuple[int, int]:
    """Return the option (height, width), at least 1."""
    return _pair(op, "stride_h", "stride_w")


def dilations(op: Operator) -> tuple[int, int]:
    """Return the option (height, width), at least 1."""
    return _pair(op, "dilation_h", "dilation_w")


def _pair(op: Operator, height: str, width: str) -> tuple[int, int]:
    pair = op.options[height], op.options[width]
    if min(pair) < 1:
        raise ModelError(f"options {height}, {width} are {pair}, must be at least 1")
    return pair


def padding(
    op: Operator, x: Value, window: tuple[int, ...], dilation: tuple[int, int] = (1, 1)
) -> Padding2D:
    """Return the padding in pixels of a window (height, width) sliding over the NHWC input.

    Other formats say it in pixels already.
    """
    given = op.options["padding"]
    if not isinstance(given, str):
        return given[0], given[1]
    stride = strides(op)
    vertical, horizontal = (
        window_padding(given, x.shape[1 + i], window[i], stride[i], dilation[i]) for i in (0, 1)
    )
    return vertical, horizontal


def accumulation(
    op: Operator,
    numerics: Numerics,
    x: Value,
    w: Value,
    y: Value,
    channels: int,
    axis: int,
    bias_index: int = 2,
) -> dict[str, Any]:
    """Parameters that all layers share that sum products and scale each channel."""
    values.require_no_zero_point(w)
    scale, output = values.quantization(x), values.quantization(y)
    weight_scale = values.channel_scales(w, channels, axis)
    rounding = numerics.convolution or numerics.rounding
    real = multipliers(rounding, scale.scale, weight_scale, output.scale)
    bias = bias_for(op, x, channels, real, bias_index)
    return {
        "bias": bias,
        "requantization": requantize_by(real, bias, rounding),
        "input_zero_point": scale.zero_point,
        "output_zero_point": output.zero_point,
        "activation_range": activation_range(
            op.options["activation"], output.scale, output.zero_point, values.dtype_of(y)
        ),
        "weight_bits": 4 if w.dtype == "int4" else 8,
        "weight_scale": weight_scale,
    }


def bias_for(
    op: Operator, x: Value, channels: int, real: NDArray[np.float64], index: int = 2
) -> AnyArray:
    """Bias of a layer with multipliers `real`; its type decides how wide the sums are.

    With int16 activations that is int64, or int32 where TFLite Micro has a kernel for it. Without
    a bias the file says which.
    """
    if x.dtype == "int8":
        return values.bias_of(op, channels, ("int32",), real, index)
    dtypes = ("int64", "int32") if "quantized_bias_type" in op.options else ("int64",)
    narrow = op.options.get("quantized_bias_type") == "int32"
    return values.bias_of(op, channels, dtypes, real, index, "int32" if narrow else "int64")


def multipliers(
    rounding: Rounding, input_scale: float, weight_scale: NDArray[np.float32], output_scale: float
) -> NDArray[np.float64]:
    """Real multipliers of the channels, in the precision of their rounding."""
    recipe = float32_multipliers if rounding == "float32" else convolution_multipliers
    return recipe(input_scale, weight_scale, output_scale)


def requantize_by(real: NDArray[np.float64], bias: AnyArray, rounding: Rounding) -> Requantization:
    """Requantization of a layer whose accumulators are as wide as its bias."""
    if bias.dtype == np.int64:
        return requantization_of(real, "wide", WIDE_LARGEST)
    return requantization_of(real, rounding)

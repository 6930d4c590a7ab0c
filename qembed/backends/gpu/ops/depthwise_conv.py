"""DEPTHWISE_CONV_2D: four channels a thread where it can."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from qembed.backends.gpu.lowering import Launch
from qembed.backends.gpu.ops import _windows
from qembed.backends.gpu.ops._scales import clamp, scales
from qembed.backends.gpu.ops.conv import direct, folded_bias
from qembed.ir import Tensor
from qembed.ops.depthwise_conv import DepthwiseConv


def lower(
    params: DepthwiseConv, inputs: Sequence[Tensor], outputs: Sequence[Tensor]
) -> list[Launch]:
    """Kernels of one node."""
    (x,), (y,) = inputs, outputs
    channels = y.shape[3]
    in_fours = x.shape[3] == channels and channels % 4 == 0
    if x.dtype == "int8" and in_fours and params.requantization.rounding != "wide":
        return [Launch("depthwise_quads", "Depthwise", _quads(params, x, y), y.nbytes // 4)]
    values = {
        **_windows.images(x, y),
        **_windows.pair("kernel", params.weights.shape[:2]),
        **_windows.pair("stride", params.stride),
        **_windows.pair("dilation", params.dilation),
        **_windows.corner(params.padding),
        "weights": params.weights,
        **direct(params),
    }
    return [Launch(f"depthwise_direct_{x.dtype}", "DirectDepthwise", values, math.prod(y.shape))]


def _quads(params: DepthwiseConv, x: Tensor, y: Tensor) -> dict[str, Any]:
    kh, kw, channels = params.weights.shape
    groups = -(-kh * kw // 4)
    weights = np.zeros((groups * 4, channels), np.int8)
    weights[: kh * kw] = params.weights.reshape(-1, channels)
    sizes = _windows.images(x, y)
    return {
        **{name: sizes[name] for name in ("images", "in_h", "in_w", "out_h", "out_w")},
        "channels": channels,
        **_windows.pair("stride", params.stride),
        **_windows.corner(params.padding),
        "tap_groups": groups,
        "padding": _windows.in_all_bytes(params.input_zero_point),
        "weights": weights.reshape(groups, 4, channels).transpose(0, 2, 1),
        "bias": folded_bias(params, params.weights.reshape(-1, channels).T),
        "taps": _windows.taps((kh, kw, 1), params.dilation, x, 1, groups * 4),
        "by": scales(params.requantization),
        "to": clamp(params.activation_range, params.output_zero_point),
    }

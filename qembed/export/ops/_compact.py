"""What the compact kernels share on the desk: when they are exact, and filters in narrow form."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qembed.arithmetic import Requantization
from qembed.export.lowering import CArray, Value
from qembed.export.ops import _m0
from qembed.ir import AnyArray, Shape
from qembed.ops.conv import Conv
from qembed.ops.depthwise_conv import DepthwiseConv
from qembed.ops.fully_connected import FullyConnected

BLOCK = 4
"""Filters that are computed together."""
GROUP = 4
"""Taps of a filter that lie together."""
MAX_SUM = 1 << 30
MAX_NUMBER = (1 << 16) - 1
"""Of what the parameter structs hold in 16 bits."""


def refusal(
    params: Conv | DepthwiseConv | FullyConnected, filters: NDArray[np.int8], dtype: str
) -> str | None:
    """Why no compact kernel can run a layer with these filters (O, taps), or None if one can."""
    if dtype != "int8" or params.weight_bits != 8:
        return "needs int8 activations and 8-bit weights"
    if not _requantizes(params.requantization):
        return "rounds twice, shifting right by 1 to 30"
    low, high = _m0.reachable(filters, params.bias, params.input_zero_point)
    if bool(np.any(low <= -MAX_SUM) or np.any(high >= MAX_SUM)):
        return "needs sums below 2**30"
    return None


def _requantizes(by: Requantization) -> bool:
    right = -by.shift.astype(np.int64)[by.multiplier != 0]
    return by.rounding == "double" and bool(np.all((right >= 1) & (right <= 30)))


def fit(*shapes: Shape) -> bool:
    """Whether the parameter structs can hold these numbers."""
    return all(0 <= number <= MAX_NUMBER for shape in shapes for number in shape)


def filters(
    params: Conv | DepthwiseConv | FullyConnected,
    weights: NDArray[np.int8],
    taps: int,
    folded: AnyArray | None = None,
) -> dict[str, Value]:
    """Initialize a ``qe_compact_filters``.

    Parameters
    ----------
    weights : int8 ndarray
        As the kernel reads them.
    taps : int
        Of a filter, with those that fill it up.
    folded : int ndarray, optional
        Biases that take in the input's zero point.
    """
    by, bias = params.requantization, params.bias if folded is None else folded
    narrow = bool(np.all(bias == bias.astype(np.int16)))
    shift = np.where(by.multiplier != 0, -by.shift.astype(np.int64), 1)
    return {
        "weights": CArray("weights", "int8_t", weights),
        "bias": _bias(bias, narrow),
        "multiplier": CArray("multiplier", "int32_t", by.multiplier.astype(np.int32)),
        "shift": CArray("shift", "uint8_t", shift.astype(np.uint8)),
        "outputs": len(bias),
        "taps": taps,
        "wide_bias": int(not narrow),
        "channel_step": int(by.multiplier.size > 1),
        "input_zero_point": params.input_zero_point if folded is None else 0,
        "zero_point": params.output_zero_point,
        "minimum": params.activation_range[0],
        "maximum": params.activation_range[1],
    }


def _bias(bias: AnyArray, narrow: bool) -> CArray:
    if narrow:
        return CArray("bias", "int16_t", bias.astype(np.int16))
    return CArray("bias", "int32_t", bias.astype(np.int32))


def blocks(weights: NDArray[np.int8]) -> NDArray[np.int8]:
    """Order filters (O, taps) as ``qe_compact_filters.weights`` describes."""
    missing = (0, -weights.shape[0] % BLOCK), (0, -weights.shape[1] % GROUP)
    padded = np.pad(weights, missing)
    return padded.reshape(-1, BLOCK, padded.shape[1] // GROUP, GROUP).transpose(0, 2, 1, 3)


def padded_taps(weights: NDArray[np.int8]) -> int:
    """Taps of a filter, rounded up to whole groups."""
    return int(weights.shape[1]) + -int(weights.shape[1]) % GROUP

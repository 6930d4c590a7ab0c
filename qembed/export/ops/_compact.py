"""What the compact kernels share on the desk: when they are exact, and filters in narrow form."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qembed.arithmetic import Int64Array, Requantization
from qembed.export.lowering import CArray, Value
from qembed.export.ops import _m0
from qembed.ir import Shape
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
    start: tuple[int, Int64Array] | None = None,
) -> dict[str, Value]:
    """Initialize a ``qe_compact_filters``.

    Parameters
    ----------
    weights : int8 ndarray
        As the kernel reads them.
    taps : int
        Of a filter, with those that fill it up.
    start : (int, int64 ndarray), optional
        What is subtracted from every input, and the biases that go with it; by default the
        model's.
    """
    by = params.requantization
    zero, bias = start or (params.input_zero_point, params.bias.astype(np.int64))
    narrow = _is_narrow(bias)
    shift = np.where(by.multiplier != 0, -by.shift.astype(np.int64), 1)
    return {
        "weights": CArray("weights", "int8_t", weights),
        "bias": CArray("bias", "int16_t", bias.astype(np.int16))
        if narrow
        else CArray("bias", "int32_t", bias.astype(np.int32)),
        "multiplier": CArray("multiplier", "int32_t", by.multiplier.astype(np.int32)),
        "shift": CArray("shift", "uint8_t", shift.astype(np.uint8)),
        "outputs": len(bias),
        "taps": taps,
        "wide_bias": int(not narrow),
        "channel_step": int(by.multiplier.size > 1),
        "input_zero_point": zero,
        "zero_point": params.output_zero_point,
        "minimum": params.activation_range[0],
        "maximum": params.activation_range[1],
        "padding_value": params.input_zero_point,
    }


def narrowest(params: Conv | FullyConnected, filters: NDArray[np.int8]) -> tuple[int, Int64Array]:
    """Find what to subtract from the inputs so that the biases fit 16 bits, if there is any.

    ``sum w * (x - zero) + bias`` stays the same when `bias` grows by ``sum w`` with each step of
    `zero`; the nearest to the zero point is taken.

    Parameters
    ----------
    filters : int8 ndarray, shape (O, taps)
    """
    point, bias = params.input_zero_point, params.bias.astype(np.int64)
    sums = filters.astype(np.int64).sum(1)
    for zero in sorted(range(-128, 128), key=lambda zero: (abs(zero - point), zero)):
        moved = bias + (zero - point) * sums
        if _is_narrow(moved):
            return zero, moved
    return point, bias


def folded(params: Conv, filters: NDArray[np.int8]) -> tuple[int, Int64Array]:
    """Subtract nothing from the inputs: the biases take it in."""
    sums = filters.astype(np.int64).sum(1)
    return 0, params.bias.astype(np.int64) - params.input_zero_point * sums


def _is_narrow(bias: Int64Array) -> bool:
    return bool(np.all(bias == bias.astype(np.int16)))


def blocks(weights: NDArray[np.int8]) -> NDArray[np.int8]:
    """Order filters (O, taps) as ``qe_compact_filters.weights`` describes."""
    missing = (0, -weights.shape[0] % BLOCK), (0, -weights.shape[1] % GROUP)
    padded = np.pad(weights, missing)
    return padded.reshape(-1, BLOCK, padded.shape[1] // GROUP, GROUP).transpose(0, 2, 1, 3)


def padded_taps(weights: NDArray[np.int8]) -> int:
    """Taps of a filter, rounded up to whole groups."""
    return int(weights.shape[1]) + -int(weights.shape[1]) % GROUP

"""What the Helium kernels share on the desk: when their arithmetic is exact, and its numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from qembed.arithmetic import Int64Array, Requantization
from qembed.export.lowering import Value

LANES = 16


def requantizes(by: Requantization) -> bool:
    """Whether VQRDMULH and VRSHL compute this requantization exactly."""
    return by.rounding == "double" and bool(np.all(by.shift <= 0))


def accumulates(weights: NDArray[np.int8], input_zero_point: int, bias: NDArray[Any]) -> bool:
    """Whether the bias with the input zero point folded in fits a word; weights (O, taps)."""
    folded = fold(weights, input_zero_point, bias)
    return bool(np.all(np.abs(folded) < 1 << 31))


def fold(weights: NDArray[np.int8], input_zero_point: int, bias: NDArray[Any]) -> Int64Array:
    """Bias for sums of raw inputs."""
    folded: Int64Array = bias - input_zero_point * weights.astype(np.int64).sum(1)
    return folded


def pad(array: NDArray[Any], multiple: int, axis: int) -> NDArray[Any]:
    """Zeros at the end of an axis up to a multiple."""
    widths = [(0, 0)] * array.ndim
    widths[axis] = (0, -array.shape[axis] % multiple)
    return np.pad(array, widths)


def records(
    weights: NDArray[np.int8], input_zero_point: int, bias: NDArray[Any], by: Requantization
) -> NDArray[np.int32]:
    """Pack as ``qe_conv_mve_params.records`` describes; weights (O, taps)."""
    channels = weights.shape[0]
    taps = pad(pad(weights, LANES, 1), 4, 0).reshape(-1, 4, (weights.shape[1] + 15) // 16, LANES)
    pairs = taps[:, [0, 2, 1, 3]].reshape(len(taps), 2, 2, -1, LANES).transpose(0, 1, 3, 2, 4)
    tail = np.stack(
        [
            fold(weights, input_zero_point, bias),
            np.broadcast_to(by.multiplier, channels),
            np.broadcast_to(by.shift, channels),
        ]
    )
    tails = pad(tail, 4, 1).reshape(3, -1, 4).transpose(1, 0, 2).reshape(len(taps), 12)
    words = np.ascontiguousarray(pairs).reshape(len(taps), -1).view("<i4")
    return np.concatenate([words, tails.astype(np.int32)], axis=1)


def output_fields(zero_point: int, activation_range: tuple[int, int]) -> dict[str, Value]:
    """Initialize a ``qe_mve_output``."""
    low, high = activation_range
    return {
        "zero_point": zero_point,
        "minimum": low,
        "maximum": high,
        "signed_ties": int(low < zero_point),
    }

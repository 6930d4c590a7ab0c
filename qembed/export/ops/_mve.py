"""What the Helium kernels share on the desk: when their arithmetic is exact, and its numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qembed.arithmetic import Int64Array, Requantization
from qembed.export.lowering import Lowering, Value
from qembed.plan import Overlap

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


def tails(
    weights: NDArray[np.int8], input_zero_point: int, bias: NDArray[Any], by: Requantization
) -> NDArray[np.int32]:
    """Folded bias, multiplier and shift of each channel, (3, O)."""
    channels = weights.shape[0]
    found = np.empty((3, channels), np.int32)
    found[0] = fold(weights, input_zero_point, bias)
    found[1], found[2] = by.multiplier, by.shift
    return found


def output_fields(zero_point: int, activation_range: tuple[int, int]) -> dict[str, Value]:
    """Initialize a ``qe_mve_output``."""
    low, high = activation_range
    return {
        "zero_point": zero_point,
        "minimum": low,
        "maximum": high,
        "signed_ties": int(low < zero_point),
    }


def both_ways(lowering: Lowering, forward: Overlap, backward: Overlap) -> Lowering:
    """Give a kernel with a field ``backward`` its two traversals."""
    fields = {**lowering.fields, "backward": 1}
    other = replace(lowering, traversal="backward", fields=fields, overlaps=(backward,))
    return replace(lowering, overlaps=(forward,), others=(other,))

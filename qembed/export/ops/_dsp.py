"""What the Cortex-M DSP kernels share on the desk: when their arithmetic is exact, and its numbers.

docs/kernels-cortex-m4.md derives both.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from qembed.arithmetic import Int64Array, Requantization
from qembed.export.lowering import Value

ACCUMULATOR_LIMIT = 1 << 23
"""Accumulators are kept times 256 in 32 bits: every value they can end with must be below this."""

MAX_RIGHT_SHIFT = 16
"""Beyond, the zero point no longer fits the addend of the final multiplication."""


def requantizes(by: Requantization) -> bool:
    """Whether SMMLA, ASR, SSAT compute this requantization exactly."""
    right = -by.shift.astype(np.int64)[by.multiplier != 0]
    first = {"double": 1, "single": 0, "wide": MAX_RIGHT_SHIFT + 1}[by.rounding]
    return bool(np.all((right >= first) & (right <= MAX_RIGHT_SHIFT)))


def accumulates(weights: NDArray[np.int8], bias: NDArray[Any], input_zero_point: int) -> bool:
    """Whether no int8 input can take an accumulator to `ACCUMULATOR_LIMIT`.

    Parameters
    ----------
    weights : int8 ndarray, shape (O, taps)
    """
    w = weights.astype(np.int64)
    ends = np.stack([w * (-128 - input_zero_point), w * (127 - input_zero_point)])
    high = bias + ends.max(axis=0).sum(axis=1)
    low = bias + ends.min(axis=0).sum(axis=1)
    return bool(np.all(high < ACCUMULATOR_LIMIT) and np.all(low > -ACCUMULATOR_LIMIT))


def pairs_fit(weights: NDArray[np.int8]) -> bool:
    """Whether 256 * w[even] + w[odd] is a halfword for all pairs of the last axis."""
    return not bool(np.any((weights[..., 0::2] == -128) & (weights[..., 1::2] < 0)))


def pair_words(weights: NDArray[np.int8]) -> NDArray[np.uint32]:
    """Four taps as halfwords 256 * w[0] + w[1], 256 * w[2] + w[3]: (..., taps) to (..., taps / 4).

    Only for weights that `pairs_fit`; the number of taps is a multiple of four.
    """
    w = weights.astype(np.int64)
    halves = (256 * w[..., 0::2] + w[..., 1::2]) & 0xFFFF
    words: NDArray[np.uint32] = (halves[..., 0::2] | halves[..., 1::2] << 16).astype(np.uint32)
    return words


def pad_taps(weights: NDArray[np.int8]) -> NDArray[np.int8]:
    """Zeros at the end of the last axis up to a multiple of four."""
    missing = -weights.shape[-1] % 4
    return np.pad(weights, [(0, 0)] * (weights.ndim - 1) + [(0, missing)])


def multipliers(by: Requantization, channels: int) -> tuple[Int64Array, Int64Array]:
    """Multiplier and shift of each channel; shift is k + 6, what is left of it after SSAT."""
    multiplier = np.broadcast_to(by.multiplier.astype(np.int64), channels)
    right = np.where(by.multiplier != 0, -by.shift.astype(np.int64), 1)
    return multiplier, np.broadcast_to(right + 6, channels)


def output_fields(
    by: Requantization, zero_point: int, activation_range: tuple[int, int]
) -> dict[str, Value]:
    """Initialize a ``qe_dsp_output``."""
    low, high = activation_range
    double = by.rounding == "double"
    return {
        "zero_point2": 2 * zero_point + 1,
        "half": 64 if double else 0,
        "negative_mask": ~127 if double and low < zero_point else 0,
        "minimum": low,
        "maximum": high,
    }


def unsigned(words: Int64Array) -> NDArray[np.uint32]:
    """Low 32 bits of each number."""
    return (words & 0xFFFFFFFF).astype(np.uint32)

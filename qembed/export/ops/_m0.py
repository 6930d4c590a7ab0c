"""Requantization by steps for cores without a long multiplication.

The output of a channel is a staircase of its sum, at most 255 steps high. Over the sums that can
occur it is computed as ``((u * low >> shift) + u * high + constant) >> 24`` with u counted from the
first step; the numbers are found here and hold at every single step, or there are none.
docs/kernels-cortex-m0.md derives the form.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qembed.arithmetic import Int64Array, Requantization
from qembed.export.lowering import Value

FRACTION = 24
MAX_SHIFT = 20
MAX_SUM = 1 << 30


@dataclass(frozen=True, slots=True)
class Steps:
    """A layer's heads as in qe_m0.h, without the layer's own biases.

    Attributes
    ----------
    start : int64 ndarray, shape (O,)
        Where u is 0: subtracted from the bias.
    words : int64 ndarray, shape (O, 4) or (O, 6)
        range, multiplier_high, multiplier_low, constant; zero, constant_negative.
    shift : int
    """

    start: Int64Array
    words: Int64Array
    shift: int


def reachable(
    weights: NDArray[np.int8], bias: NDArray[Any], input_zero_point: int
) -> tuple[Int64Array, Int64Array]:
    """Smallest and largest sum of each channel over all int8 inputs; weights (O, taps)."""
    w = weights.astype(np.int64)
    ends = np.stack([w * (-128 - input_zero_point), w * (127 - input_zero_point)])
    return bias + ends.min(0).sum(1), bias + ends.max(0).sum(1)


def has_signed_ties(by: Requantization, zero_point: int, activation_range: tuple[int, int]) -> bool:
    """Whether the steps below the zero point are seen, and lie where rounding twice puts them."""
    return by.rounding == "double" and activation_range[0] < zero_point


def find_steps(
    by: Requantization,
    zero_point: int,
    activation_range: tuple[int, int],
    lowest: Int64Array,
    highest: Int64Array,
) -> Steps | None:
    """Find the numbers of all channels, or None if one has none.

    Parameters
    ----------
    lowest, highest : int64 ndarray, shape (O,)
        Sums that can occur.
    """
    right = -by.shift.astype(np.int64)
    if by.rounding == "wide" or bool(np.any((by.multiplier != 0) & (right < 0))):
        return None
    if bool(np.any(lowest <= -MAX_SUM) or np.any(highest >= MAX_SUM)):
        return None
    signed = has_signed_ties(by, zero_point, activation_range)
    channels = [
        _Channel(int(m), int(k) if m else 1, by.rounding == "double", zero_point, signed)
        for m, k in zip(
            np.broadcast_to(by.multiplier, lowest.shape),
            np.broadcast_to(right, lowest.shape),
            strict=True,
        )
    ]
    bounds = [
        _bounds(channel, activation_range, int(low), int(high))
        for channel, low, high in zip(channels, lowest, highest, strict=True)
    ]
    for shift in range(MAX_SHIFT, -1, -1):
        words = _all_words(channels, bounds, shift, activation_range)
        if words is not None:
            start = np.array([b.start for b in bounds], np.int64)
            return Steps(start, np.array(words, np.int64)[:, : 6 if signed else 4], shift)
    return None


def _all_words(
    channels: list[_Channel], bounds: list[_Bounds], shift: int, clamp: tuple[int, int]
) -> list[tuple[int, ...]] | None:
    found = []
    for channel, of in zip(channels, bounds, strict=True):
        words = _words(channel, of, shift, clamp)
        if words is None:
            return None
        found.append(words)
    return found


def output_fields(steps: Steps, activation_range: tuple[int, int]) -> dict[str, Value]:
    """Initialize a ``qe_m0_output``."""
    return {
        "maximum": activation_range[1],
        "span": activation_range[1] - activation_range[0],
        "shift": steps.shift,
        "signed_ties": int(steps.words.shape[1] == 6),
    }


def heads(steps: Steps, folded_bias: Int64Array) -> NDArray[np.uint32]:
    """Heads of all records, (O, 5 or 7); `folded_bias` holds bias and input zero point."""
    words = np.concatenate([(folded_bias - steps.start)[:, None], steps.words], axis=1)
    return (words & 0xFFFFFFFF).astype(np.uint32)


@dataclass(frozen=True, slots=True)
class _Channel:
    """Real multiplier ``multiplier / 2**(31 + right)`` and how it rounds."""

    multiplier: int
    right: int
    double: bool
    zero_point: int
    signed: bool

    def first_sum(self, value: int) -> int:
        """Smallest sum whose output, before the clamp, is at least `value`."""
        if self.multiplier == 0:
            return -MAX_SUM if value <= self.zero_point else MAX_SUM
        half = 1 << 30 + self.right
        if self.double and self.right > 0:
            half += 1 << 30
        goal = (value - self.zero_point << 31 + self.right) - half
        first = -(-goal // self.multiplier)
        if first < 0 and self.double and self.right > 0:
            # A tie of a negative sum goes down: it takes a little more to reach the value.
            first = min(-(-(goal + (1 << 31)) // self.multiplier), 0)
        return max(-MAX_SUM, min(first, MAX_SUM))


@dataclass(frozen=True, slots=True)
class _Bounds:
    """The part of a staircase that can be reached.

    Attributes
    ----------
    start, end : int
        Sums between which the output is computed; u counts from `start`.
    base : int
        Output of the smallest sum.
    firsts : tuple of int
        Smallest sums of the outputs base + 1, base + 2, ... as far as they can be reached.
    """

    start: int
    end: int
    base: int
    firsts: tuple[int, ...]


def _bounds(channel: _Channel, clamp: tuple[int, int], lowest: int, highest: int) -> _Bounds:
    low, high = clamp
    every = [channel.first_sum(value) for value in range(low + 1, high + 1)]
    inside = tuple(first for first in every if lowest < first <= highest)
    below = sum(first <= lowest for first in every)
    base = low + below  # the output of the lowest sum
    if not inside:
        flat = base in (low, high)
        start = (highest + 1 if base == low else lowest) if flat else lowest
        return _Bounds(start, start if flat else highest + 1, base, ())
    start = inside[0] if base == low else lowest
    end = inside[-1] if base + len(inside) == high else highest + 1
    return _Bounds(start, end, base, inside)


def _words(
    channel: _Channel, bounds: _Bounds, shift: int, clamp: tuple[int, int]
) -> tuple[int, ...] | None:
    """Words of a head behind the bias, or None if this shift gives no exact form."""
    scale = 31 + channel.right - FRACTION
    high = channel.multiplier >> scale if scale >= 0 else channel.multiplier << -scale
    rest = channel.multiplier - (high << scale) if scale > 0 else 0
    low = (rest << shift) >> scale if scale > 0 else 0
    size = bounds.end - bounds.start
    if size * low >= 1 << 32 or not 0 <= size < 1 << 32:
        return None

    zero = max(-bounds.start, 0) if channel.signed else 0
    at, value = _points(bounds, size, zero)
    goal = (value - clamp[0] - 1 << FRACTION) - (at * low >> shift) - at * high
    constants = []
    for part in (at >= zero, at < zero):
        least, most = 0, 0
        if part.any():
            least, most = goal[part].max(), goal[part].min() + (1 << FRACTION) - 1
        if least > most:
            return None
        constants.append(int(least + most) // 2)
    # The smallest output is added here: only the top byte of the sum is taken.
    offset = (clamp[0] + 1) << FRACTION
    words = (size, high, low, constants[0] + offset, zero, constants[1] + offset)
    return tuple(word & 0xFFFFFFFF for word in words)


def _points(bounds: _Bounds, size: int, zero: int) -> tuple[Int64Array, Int64Array]:
    """Pick the u at which a wrong staircase would show, and the output there.

    Between two changes of the true output the computed one can only rise; so both ends of each
    flat piece are enough, where a piece also ends at `zero`, from which on another constant holds.
    """
    firsts = np.array(bounds.firsts, np.int64)
    starts = np.concatenate([firsts - bounds.start, [0, zero, size]])
    at = np.unique(np.concatenate([starts, starts - 1]))
    at = at[(at >= 0) & (at < size)]
    return at, bounds.base + np.searchsorted(firsts, at + bounds.start, side="right")

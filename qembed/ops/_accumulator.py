"""Proof that sums of products cannot overflow: exact worst cases, channel by channel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qembed.errors import ModelError
from qembed.ir import AnyArray, DType
from qembed.ops import _check

# Bits of the accumulator, its sign not counted. "wide" sums are multiplied by 16 bits in 64.
BITS = {"int32": 31, "int64": 47}


@dataclass(frozen=True, slots=True, eq=False)
class AccumulatorBounds:
    """What a layer's accumulators can reach, bias included.

    Attributes
    ----------
    low, high : int64 ndarray, shape (O,)
        Reached, not only bounded: some input gives exactly these sums (padding aside).
    bits : int
        Bits of the accumulator, its sign not counted.
    """

    low: NDArray[np.int64]
    high: NDArray[np.int64]
    bits: int

    @property
    def headroom_bits(self) -> int:
        """How often the sums could double before one overflows; negative if one can now."""
        largest = max(int(self.high.max(initial=0)), -int(self.low.min(initial=0)) - 1)
        return self.bits - largest.bit_length()


def bounds(
    weights: NDArray[np.int8], bias: AnyArray, input_zero_point: int, dtype: DType
) -> AccumulatorBounds:
    """Worst cases of ``bias + sum(weights * (x - input_zero_point))`` over all x of a type.

    Zero is among the values that ``x - input_zero_point`` takes, so that every partial sum that
    starts at the bias, in any order, lies between the bounds as well, and so do windows in the
    padding.

    Parameters
    ----------
    weights : int8 ndarray, shape (O, K)
    bias : int32 or int64 ndarray, shape (O,)
    input_zero_point : int
    dtype : DType
        Of the input.
    """
    lowest, highest = (limit - input_zero_point for limit in _check.limits(dtype))
    positive = np.maximum(weights, 0).sum(axis=1, dtype=np.int64)
    negative = np.minimum(weights, 0).sum(axis=1, dtype=np.int64)
    start = bias.astype(np.int64)
    return AccumulatorBounds(
        low=start + positive * lowest + negative * highest,
        high=start + positive * highest + negative * lowest,
        bits=BITS[bias.dtype.name],
    )


def require_no_overflow(reach: AccumulatorBounds) -> None:
    """Refuse a layer one of whose channels can leave its accumulator."""
    limit = 1 << reach.bits
    bad = np.flatnonzero((reach.high >= limit) | (reach.low < -limit))
    if bad.size:
        channel = int(bad[0])
        raise ModelError(
            f"the accumulator of channel {channel} can reach {reach.low[channel]} to "
            f"{reach.high[channel]}, outside its {reach.bits + 1} bits; make the weights or the "
            "bias smaller"
        )

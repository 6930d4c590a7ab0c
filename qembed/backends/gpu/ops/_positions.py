"""Positions in one tensor for every value of another: index tables of data movements."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qembed.backends.gpu.lowering import Launch
from qembed.ir import Shape, Tensor

Positions = NDArray[np.int32]


def strides(shape: Shape) -> tuple[int, ...]:
    """Distance between neighbours on each axis, in values."""
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


def grid(positions: Sequence[NDArray[np.int64]], steps: Sequence[int]) -> Positions:
    """Sum of ``position * step`` over the axes for every combination; -1 where a position is."""
    total, outside = np.zeros((), np.int64), np.zeros((), np.bool_)
    for place, step in zip(positions, steps, strict=True):
        total = total[..., None] + place * step
        outside = outside[..., None] | (place < 0)
    return np.where(outside, -1, total).astype(np.int32).ravel()


def broadcast(given: Shape, wanted: Shape) -> Positions | None:
    """Positions in a tensor broadcast to the shape `wanted`; None if they are the same."""
    if math.prod(given) == math.prod(wanted):
        return None
    shape = (1,) * (len(wanted) - len(given)) + given
    places = [
        np.arange(n) if size == n else np.zeros(n, np.int64)
        for size, n in zip(shape, wanted, strict=True)
    ]
    return grid(places, strides(shape))


def pairs(inputs: Sequence[Tensor], shape: Shape) -> dict[str, Positions | None]:
    """Fields `index1` and `index2` of an operator with two inputs."""
    return {f"index{i}": broadcast(x.shape, shape) for i, x in enumerate(inputs, start=1)}


def move(y: Tensor, index: Positions | None, value: int = 0) -> list[Launch]:
    """Values of one tensor in another order."""
    items, size = math.prod(y.shape), np.dtype(y.dtype).itemsize
    values = {"items": items, "index": index, "value": value}
    return [Launch(f"move_{size}", "Move", values, items)]

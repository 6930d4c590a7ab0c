"""GATHER by positions that are an input: slices along one axis, batch by batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qembed.errors import ModelError
from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.ops import _check


@dataclass(frozen=True, slots=True)
class GatherAt:
    """Parameters of one layer.

    Attributes
    ----------
    axis : int
        Of the input, not negative.
    batch_axes : int
        Leading axes, at most `axis`, that input and positions share: each of their places has
        positions of its own.
    """

    axis: int
    batch_axes: int = 0


def infer(params: GatherAt, x: Tensor, positions: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its inputs; return shape and type of each output."""
    _check.require_dtype(positions, ("int32",))
    _check.require_axes((params.axis,), len(x.shape))
    batch = params.batch_axes
    if not 0 <= batch <= min(params.axis, len(positions.shape)):
        raise ModelError(f"{batch} batch axes are more than axis {params.axis} or the positions")
    if x.shape[:batch] != positions.shape[:batch]:
        raise ModelError(
            f"input {x.shape} and positions {positions.shape} differ in their {batch} batch axes"
        )
    behind = x.shape[params.axis + 1 :]
    return [((*x.shape[: params.axis], *positions.shape[batch:], *behind), x.dtype)]


def reference(params: GatherAt, x: AnyArray, positions: AnyArray) -> AnyArray:
    """Pick slices of `x`, of any type, by equation (40).

    Parameters
    ----------
    positions : int32 ndarray
        Outside of the axis: its nearest end.
    """
    batch = params.batch_axes
    at = np.clip(positions, 0, x.shape[params.axis] - 1)
    shape = (*x.shape[: params.axis], *at.shape[batch:], *x.shape[params.axis + 1 :])
    picked = np.empty(shape, x.dtype)
    for place in np.ndindex(x.shape[:batch]):
        picked[place] = np.take(x[place], at[place], axis=params.axis - batch)
    return picked

"""RESIZE_NEAREST_NEIGHBOR: rows and columns of an image, picked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qembed.errors import ModelError
from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.ops import _check


@dataclass(frozen=True, slots=True, eq=False)
class ResizeNearest:
    """Parameters of one layer: ``y[:, i, j] = x[:, rows[i], columns[j]]``.

    Attributes
    ----------
    rows, columns : int32 ndarray, shape (OH,), (OW,)
        Positions in the input.
    """

    rows: NDArray[np.int32]
    columns: NDArray[np.int32]


def infer(params: ResizeNearest, x: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its input; return shape and type of each output."""
    _check.require_dtype(x, ("int8", "int16"))
    if len(x.shape) != 4:
        raise ModelError(f"input has shape {x.shape}; this operator needs four dimensions (NHWC)")
    for what, size in (("rows", x.shape[1]), ("columns", x.shape[2])):
        positions: NDArray[np.int32] = getattr(params, what)
        _check.require_array(what, positions, ["int32"], (-1,))
        if positions.min() < 0 or positions.max() >= size:
            raise ModelError(f"{what} must lie in [0, {size})")
    return [((x.shape[0], params.rows.size, params.columns.size, x.shape[3]), x.dtype)]


def reference(params: ResizeNearest, x: AnyArray) -> AnyArray:
    """Pick the pixels of `x`, shape (N, H, W, C)."""
    picked: AnyArray = x[:, params.rows][:, :, params.columns]
    return picked

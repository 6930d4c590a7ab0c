"""ARG_MAX and ARG_MIN: position of the first largest or smallest value along an axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.ops import _check


@dataclass(frozen=True, slots=True)
class ArgExtremum:
    """Parameters of one layer.

    Attributes
    ----------
    largest : bool
        True: ARG_MAX, False: ARG_MIN.
    axis : int
        Reduced axis, not negative.
    """

    largest: bool
    axis: int


def infer(params: ArgExtremum, x: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its input; return shape and type of each output."""
    _check.require_dtype(x, ("int8",))
    _check.require_axes((params.axis,), len(x.shape))
    return [(x.shape[: params.axis] + x.shape[params.axis + 1 :], "int32")]


def reference(params: ArgExtremum, x: AnyArray) -> AnyArray:
    """Return int32 positions; the first one where values are equal."""
    position = (np.argmax if params.largest else np.argmin)(x, axis=params.axis)
    return np.asarray(position, np.int32)

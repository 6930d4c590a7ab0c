"""PAD and PADV2: surround a tensor with one value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qembed.errors import ModelError
from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.ops import _check


@dataclass(frozen=True, slots=True)
class Pad:
    """Parameters of one layer.

    Attributes
    ----------
    padding : tuple of (int, int)
        Values added before and after, for each axis.
    value : int
        What is added; PAD means the zero point.
    """

    padding: tuple[tuple[int, int], ...]
    value: int


def infer(params: Pad, x: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its input; return shape and type of each output."""
    _check.require_dtype(x, ("int8", "int16", "int32"))
    _check.require_in_range("padding value", params.value, x.dtype)
    sound = len(params.padding) == len(x.shape) > 0 and min(map(min, params.padding)) >= 0
    if not sound:
        raise ModelError(f"padding {params.padding} does not fit an input of shape {x.shape}")
    return [(tuple(n + sum(e) for n, e in zip(x.shape, params.padding, strict=True)), x.dtype)]


def reference(params: Pad, x: AnyArray) -> AnyArray:
    """Surround `x`, any shape, with the value."""
    return np.pad(x, params.padding, constant_values=params.value)

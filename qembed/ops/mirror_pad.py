"""MIRROR_PAD: surround a tensor with its own reflection."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qembed.errors import ModelError
from qembed.ir import AnyArray, DType, Shape, Tensor


@dataclass(frozen=True, slots=True)
class MirrorPad:
    """Parameters of one layer.

    Attributes
    ----------
    padding : tuple of (int, int)
        Values added before and after, for each axis.
    repeat_edge : bool
        True: the edge is the first value of its reflection (SYMMETRIC); False: the value next to
        it is (REFLECT).
    """

    padding: tuple[tuple[int, int], ...]
    repeat_edge: bool


def infer(params: MirrorPad, x: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its input; return shape and type of each output."""
    fits = len(params.padding) == len(x.shape) and all(
        min(edge) >= 0 and max(edge) <= n - (not params.repeat_edge)
        for n, edge in zip(x.shape, params.padding, strict=True)
    )
    if not fits:
        raise ModelError(f"an input of shape {x.shape} cannot be reflected into {params.padding}")
    return [(tuple(n + sum(e) for n, e in zip(x.shape, params.padding, strict=True)), x.dtype)]


def reference(params: MirrorPad, x: AnyArray) -> AnyArray:
    """Reflect `x`, of any type."""
    if not params.padding:
        return x.copy()  # np.pad does not take scalars
    return np.pad(x, params.padding, mode="symmetric" if params.repeat_edge else "reflect")

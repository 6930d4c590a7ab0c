"""BROADCAST_TO: repeat along axes of size 1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qembed.errors import ModelError
from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.ops import _check


@dataclass(frozen=True, slots=True)
class BroadcastTo:
    """Parameters of one layer: the output's shape, to which the input's broadcasts."""

    shape: Shape


def infer(params: BroadcastTo, x: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its input; return shape and type of each output."""
    if _check.broadcast(x.shape, params.shape) != params.shape:
        raise ModelError(f"shape {x.shape} cannot be repeated to {params.shape}")
    return [(params.shape, x.dtype)]


def reference(params: BroadcastTo, x: AnyArray) -> AnyArray:
    """Repeat `x`, of any type."""
    return np.broadcast_to(x, params.shape).copy()

"""CONCATENATION and PACK: inputs side by side along one axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qembed.errors import ModelError
from qembed.ir import AnyArray, DType, Shape, Tensor


@dataclass(frozen=True, slots=True)
class Concatenation:
    """Parameters of one layer: the axis, not negative. All values share scale and zero point."""

    axis: int


def infer(params: Concatenation, *inputs: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its inputs; return shape and type of each output."""
    if not inputs:
        raise ModelError("there is nothing to concatenate")
    first, axis = inputs[0], params.axis
    if not 0 <= axis < len(first.shape):
        raise ModelError(f"axis {axis} is not among the dimensions of {first.shape}")
    before, after = first.shape[:axis], first.shape[axis + 1 :]
    for x in inputs:
        if x.dtype != first.dtype or (x.shape[:axis], x.shape[axis + 1 :]) != (before, after):
            raise ModelError(
                f"{x.dtype}{list(x.shape)} and {first.dtype}{list(first.shape)} cannot be joined "
                f"along axis {axis}"
            )
    return [((*before, sum(x.shape[axis] for x in inputs), *after), first.dtype)]


def reference(params: Concatenation, *inputs: AnyArray) -> AnyArray:
    """Join the inputs, of any type, in their order."""
    return np.concatenate(inputs, axis=params.axis)

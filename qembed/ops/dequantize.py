"""DEQUANTIZE: integers to the real numbers they stand for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.ops import _check


@dataclass(frozen=True, slots=True)
class Dequantize:
    """Parameters of one layer: real = scale * (x - zero_point); scale is exactly a float32."""

    scale: float
    zero_point: int


def infer(params: Dequantize, x: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its input; return shape and type of each output."""
    _check.require_dtype(x, ("int8", "uint8", "int16", "int32"))
    _check.require_in_range("zero point", params.zero_point, x.dtype)
    _check.require_scale(params.scale)
    return [(x.shape, "float32")]


def reference(params: Dequantize, x: AnyArray) -> AnyArray:
    """Run the layer by its definition: equation (16), rounded once to float32."""
    steps = (x.astype(np.int64) - params.zero_point).astype(np.float32)
    with np.errstate(over="ignore"):  # the largest numbers become infinite, as in C
        real: AnyArray = steps * np.float32(params.scale)
    return real

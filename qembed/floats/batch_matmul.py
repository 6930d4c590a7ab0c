"""Products of matrices that are both computed: the last two axes, broadcast over those before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qembed.errors import ModelError
from qembed.floats import _lower, _windows
from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.ops._check import broadcast
from qembed.tflite.reader import Operator, Value


@dataclass(frozen=True, slots=True)
class BatchMatmul:
    """Parameters of one layer: which operands are transposed first."""

    transpose1: bool = False
    transpose2: bool = False


def infer(params: BatchMatmul, x1: Tensor, x2: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its inputs; return shape and type of its output."""
    _windows.require_float(x1, x2)
    if min(len(x1.shape), len(x2.shape)) < 2:
        raise ModelError(f"{x1.shape} and {x2.shape} are not both matrices")
    (rows, inner), (other, columns) = (
        x.shape[-2:][::-1] if flipped else x.shape[-2:]
        for x, flipped in ((x1, params.transpose1), (x2, params.transpose2))
    )
    if inner != other:
        raise ModelError(f"matrices {x1.shape} and {x2.shape} cannot be multiplied")
    return [((*broadcast(x1.shape[:-2], x2.shape[:-2]), rows, columns), "float32")]


def forward(params: BatchMatmul, x1: AnyArray, x2: AnyArray) -> AnyArray:
    """Multiply the matrices of every sample."""
    rank = max(x1.ndim, x2.ndim)
    one, two = (x.reshape(len(x), *(1,) * (rank - x.ndim), *x.shape[1:]) for x in (x1, x2))
    one = one.swapaxes(-1, -2) if params.transpose1 else one
    two = two.swapaxes(-1, -2) if params.transpose2 else two
    return np.asarray(one @ two, np.float32)


def lower(params: BatchMatmul, inputs: list[Value], output: Value) -> list[Operator]:
    """Return one BATCH_MATMUL."""
    layer = _lower.operator(
        "BATCH_MATMUL",
        list(inputs),
        [output],
        adj_x=int(params.transpose1),
        adj_y=int(params.transpose2),
    )
    return [layer]

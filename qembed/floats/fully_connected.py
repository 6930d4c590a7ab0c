"""Fully connected layer: rows of the input times OI weights."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qembed.errors import ModelError
from qembed.floats import _activation, _lower, _windows
from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.tflite.reader import Operator, Value


@dataclass(frozen=True, slots=True, eq=False)
class FullyConnected:
    """Parameters of one layer.

    Attributes
    ----------
    weights : float32 ndarray, shape (O, I)
    bias : float32 ndarray, shape (O,)
    activation : str
        A key of `qembed.numerics.ACTIVATION_LIMITS`.
    keep_dims : bool
        True: the last axis, of size I, becomes O. False: whatever the input's shape, its values are
        rows of I, and the output is (rows, O).
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    activation: str = "NONE"
    keep_dims: bool = False


def infer(params: FullyConnected, x: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against its input; return shape and type of its output."""
    _windows.require_float(x)
    _windows.require_layer(params.weights, params.bias, 2, len(params.bias))
    _activation.require_known(params.activation)
    channels, row = params.weights.shape
    if channels != len(params.bias) or math.prod(x.shape) % row:
        raise ModelError(f"weights {params.weights.shape} do not fit the input {x.shape}")
    if not params.keep_dims:
        return [((math.prod(x.shape) // row, channels), "float32")]
    if x.shape[-1:] != (row,):
        raise ModelError(f"weights {params.weights.shape} do not fit the last axis of {x.shape}")
    return [((*x.shape[:-1], channels), "float32")]


def unfold(params: FullyConnected, x: AnyArray) -> AnyArray:
    """Return the rows of the input: (1, rows, I)."""
    return x.reshape(1, -1, params.weights.shape[1])


def matrix(params: FullyConnected, groups: int) -> AnyArray:
    """Return the weights as a matrix to multiply what `unfold` returns: (1, O, I)."""
    return params.weights[None]


def restored(params: FullyConnected, rows: AnyArray) -> AnyArray:
    """Return a matrix of weights in the layout of the parameters."""
    weights: AnyArray = rows[0]
    return weights


def forward(params: FullyConnected, x: AnyArray) -> AnyArray:
    """Run a batch: (B, ..., I) to (B, ..., O) or (B, rows, O)."""
    channels, row = params.weights.shape
    y: AnyArray = x.reshape(-1, row) @ params.weights.T
    y += params.bias
    shape = x.shape[1:-1] if params.keep_dims else (math.prod(x.shape[1:]) // row,)
    return _activation.activate(y, params.activation).reshape(x.shape[0], *shape, channels)


def stored(params: FullyConnected) -> AnyArray:
    """Weights in the layout of the file: OI."""
    return params.weights


def lower(params: FullyConnected, inputs: list[Value], output: Value) -> list[Operator]:
    """Return one FULLY_CONNECTED."""
    layer = _lower.operator(
        "FULLY_CONNECTED",
        list(inputs),
        [output],
        activation=params.activation,
        keep_num_dims=int(params.keep_dims),
    )
    return [layer]

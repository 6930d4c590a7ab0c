"""SVDF: a filter over features, then one over time with a memory of past results."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qembed.arithmetic import Requantization, requantize, wrap_int32
from qembed.errors import ModelError
from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.ops import _accumulator, _check


@dataclass(frozen=True, slots=True, eq=False)
class Svdf:
    """Parameters of one layer. F filters = U units * rank; each remembers M results.

    Attributes
    ----------
    feature_weights : int8 ndarray, shape (F, I)
    time_weights : int8 or int16 ndarray, shape (F, M)
        int16 where the state is int16.
    bias : int32 ndarray, shape (U,)
    rank : int
    state_requantization, output_requantization : Requantization of 1 channel
        Of the features to the state, of the sums over time to the output.
    input_zero_point, state_zero_point, output_zero_point : int
    """

    feature_weights: NDArray[np.int8]
    time_weights: NDArray[Any]
    bias: NDArray[np.int32]
    rank: int
    state_requantization: Requantization
    output_requantization: Requantization
    input_zero_point: int
    state_zero_point: int
    output_zero_point: int


def infer(params: Svdf, x: Tensor, state: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against input and state; return shape and type of output and state."""
    _check.require_dtype(x, ("int8",))
    _check.require_dtype(state, ("int8", "int16"))
    _check.require_array("feature_weights", params.feature_weights, ["int8"], (-1, -1))
    filters, size = params.feature_weights.shape
    _check.require_array("time_weights", params.time_weights, [state.dtype], (filters, -1))
    memory = params.time_weights.shape[1]
    if params.rank < 1 or filters % params.rank:
        raise ModelError(f"{filters} filters do not divide into ranks of {params.rank}")
    units = filters // params.rank
    _check.require_array("bias", params.bias, ["int32"], (units,))
    for what in ("state_requantization", "output_requantization"):
        _check.require_requantization(what, getattr(params, what), 1)
        _check.require_integer_rounding(what, getattr(params, what))
    _check.require_in_range("input zero point", params.input_zero_point, x.dtype)
    _check.require_in_range("state zero point", params.state_zero_point, state.dtype)
    _check.require_in_range("output zero point", params.output_zero_point, "int8")
    _accumulator.require_no_overflow(
        _accumulator.bounds(
            params.feature_weights, np.zeros(filters, np.int32), params.input_zero_point, x.dtype
        )
    )
    if len(x.shape) != 2 or x.shape[1] != size:
        raise ModelError(f"input {x.shape} does not have rows of {size} features")
    if state.shape != (x.shape[0], filters * memory):
        raise ModelError(f"state {state.shape} must be {(x.shape[0], filters * memory)}")
    return [((x.shape[0], units), "int8"), (state.shape, state.dtype)]


def macs(params: Svdf, x: Tensor, state: Tensor, y: Tensor, new_state: Tensor) -> int:
    """Multiply-accumulates of one sample."""
    weights = math.prod(params.feature_weights.shape) + math.prod(params.time_weights.shape)
    return x.shape[0] * weights


def reference(params: Svdf, x: AnyArray, state: AnyArray) -> tuple[AnyArray, AnyArray]:
    """Run the layer by its definition: equation (36).

    Parameters
    ----------
    x : int8 ndarray, shape (N, I)
    state : int8 or int16 ndarray, shape (N, F * M)
        Oldest results first.

    Returns
    -------
    int8 ndarray, shape (N, U), and the new state
    """
    filters, memory = params.time_weights.shape
    features = (x.astype(np.int64) - params.input_zero_point) @ params.feature_weights.astype(
        np.int64
    ).T
    limits = _check.limits(state.dtype.name)
    newest = np.clip(requantize(features, params.state_requantization), *limits)
    history = np.roll(state.astype(np.int64).reshape(-1, filters, memory), -1, axis=2)
    # The sum is kept as wide as the state, by wrapping.
    history[:, :, -1] = (newest + params.state_zero_point).astype(state.dtype)

    products = (history - params.state_zero_point) * params.time_weights.astype(np.int64)
    sums = products.reshape(x.shape[0], -1, params.rank * memory).sum(axis=2)
    acc = wrap_int32(sums + params.bias.astype(np.int64))
    y = requantize(acc, params.output_requantization) + params.output_zero_point
    return np.clip(y, -128, 127).astype(np.int8), history.astype(state.dtype).reshape(state.shape)

"""UNIDIRECTIONAL_SEQUENCE_LSTM: int8 or int16 in and out, int16 gates and cell."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qembed.arithmetic import Int64Array, Requantization, requantize
from qembed.errors import ModelError
from qembed.fixed_point import logistic_int16, tanh_int16
from qembed.ir import AnyArray, DType, Shape, Tensor
from qembed.ops import _accumulator, _check

GATES = ("input_gate", "forget_gate", "cell_gate", "output_gate")

# Gates count in steps of 2**-12: what the sigmoid tables take without scaling.
GATE_MULTIPLIER, GATE_SHIFT = 3, 0


@dataclass(frozen=True, slots=True, eq=False)
class Gate:
    """One gate, for C cells and I features.

    Attributes
    ----------
    input_weights : int8 ndarray, shape (C, I)
    recurrent_weights : int8 ndarray, shape (C, C)
    bias : int32 ndarray, shape (C,); int64 where the layer's values are int16
        Added to the sum over the input. int64 in a layer of int16.
    input_requantization, recurrent_requantization : Requantization of 1 channel
        Onto a common scale of 2**-12. Rounding "wide" in a layer of int16.
    """

    input_weights: NDArray[np.int8]
    recurrent_weights: NDArray[np.int8]
    bias: NDArray[Any]
    input_requantization: Requantization
    recurrent_requantization: Requantization


@dataclass(frozen=True, slots=True, eq=False)
class Lstm:
    """Parameters of one layer.

    Attributes
    ----------
    input_gate, forget_gate, cell_gate, output_gate : Gate
    table : uint16 ndarray, shape (256,)
        ``qembed.tables.sigmoid_int16``.
    forget_requantization, update_requantization : Requantization of 1 channel
        forget gate * cell, and input gate * cell gate, to the cell's scale.
    hidden_requantization : Requantization of 1 channel
        output gate * tanh(cell) to the hidden scale.
    tanh_multiplier, tanh_shift : int
        Of the cell, as in `qembed.ops.sigmoid.Sigmoid`.
    cell_clip : int
        Magnitude that the cell is clamped to; 32768 is none.
    input_zero_point, hidden_zero_point : int
    time_major : bool
        True: input is (time, batch, I); False: (batch, time, I).
    """

    input_gate: Gate
    forget_gate: Gate
    cell_gate: Gate
    output_gate: Gate
    table: NDArray[np.uint16]
    forget_requantization: Requantization
    update_requantization: Requantization
    hidden_requantization: Requantization
    tanh_multiplier: int
    tanh_shift: int
    cell_clip: int
    input_zero_point: int
    hidden_zero_point: int
    time_major: bool = False


def infer(params: Lstm, x: Tensor, hidden: Tensor, cell: Tensor) -> list[tuple[Shape, DType]]:
    """Check the layer against input and states; return output and both states."""
    _check.require_dtype(x, ("int8", "int16"))
    _check.require_dtype(hidden, (x.dtype,))
    _check.require_dtype(cell, ("int16",))
    if len(x.shape) != 3:
        raise ModelError(f"input {x.shape} must be (batch, time, features) or time first")
    cells = params.input_gate.input_weights.shape[0]
    for name in GATES:
        _check_gate(params, name, getattr(params, name), cells, x)
    for what in ("forget", "update", "hidden"):
        by = getattr(params, f"{what}_requantization")
        _check.require_requantization(what, by, 1)
        _check.require_integer_rounding(what, by)
    _check.require_array("table", params.table, ["uint16"], (256,))
    if not (0 <= params.tanh_multiplier < 1 << 15 and 0 <= params.tanh_shift <= 31):
        raise ModelError("tanh needs a multiplier in [0, 2**15) and a shift in [0, 31]")
    if not 0 <= params.cell_clip <= 32768:
        raise ModelError(f"cell_clip {params.cell_clip} is outside [0, 32768]")
    _check.require_in_range("input zero point", params.input_zero_point, x.dtype)
    _check.require_in_range("hidden zero point", params.hidden_zero_point, x.dtype)
    batch = x.shape[1 if params.time_major else 0]
    if hidden.shape != (batch, cells) or cell.shape != (batch, cells):
        raise ModelError(f"states {hidden.shape}, {cell.shape} must be {(batch, cells)}")
    return [((*x.shape[:2], cells), x.dtype), (hidden.shape, x.dtype), (cell.shape, "int16")]


def _check_gate(params: Lstm, name: str, gate: Gate, cells: int, x: Tensor) -> None:
    is_wide = x.dtype == "int16"
    _check.require_array(f"{name} input_weights", gate.input_weights, ["int8"], (cells, x.shape[2]))
    _check.require_array(
        f"{name} recurrent_weights", gate.recurrent_weights, ["int8"], (cells, cells)
    )
    _check.require_array(f"{name} bias", gate.bias, ["int64" if is_wide else "int32"], (cells,))
    for by in (gate.input_requantization, gate.recurrent_requantization):
        _check.require_requantization(name, by, 1)
        if not is_wide:
            _check.require_integer_rounding(name, by)
        elif by.rounding != "wide":
            raise ModelError(f"{name} of int16 must round 'wide', not '{by.rounding}'")
    for weights, bias, zero_point in (
        (gate.input_weights, gate.bias, params.input_zero_point),
        (gate.recurrent_weights, np.zeros_like(gate.bias), params.hidden_zero_point),
    ):
        _accumulator.require_no_overflow(_accumulator.bounds(weights, bias, zero_point, x.dtype))


def macs(params: Lstm, x: Tensor, *others: Tensor) -> int:
    """Multiply-accumulates of one sample."""
    cells, features = map(int, params.input_gate.input_weights.shape)
    return math.prod(x.shape[:2]) * 4 * cells * (features + cells)


def reference(
    params: Lstm, x: AnyArray, hidden: AnyArray, cell: AnyArray
) -> tuple[AnyArray, AnyArray, AnyArray]:
    """Run the layer by its definition: equation (37).

    Parameters
    ----------
    x : int8 or int16 ndarray, shape (batch, time, I), or (time, batch, I) with `time_major`
    hidden : ndarray of the same type, shape (batch, C)
    cell : int16 ndarray, shape (batch, C)

    Returns
    -------
    ndarray of the type of `x` (hidden state of every step), hidden, cell
    """
    steps = x if params.time_major else x.swapaxes(0, 1)
    h, c = hidden.astype(np.int64), cell.astype(np.int64)
    outputs = []
    for step in steps.astype(np.int64):
        h, c = _step(params, step, h, c)
        h = np.clip(h, *_check.limits(x.dtype.name))
        outputs.append(h)
    y = np.stack(outputs, axis=0 if params.time_major else 1)
    return y.astype(x.dtype), h.astype(x.dtype), c.astype(np.int16)


def _step(
    params: Lstm, x: Int64Array, h: Int64Array, c: Int64Array
) -> tuple[Int64Array, Int64Array]:
    """Hidden state, not yet clamped, and cell after one step of (batch, I)."""
    gates = [_gate(params, getattr(params, name), x, h) for name in GATES]
    update, keep, emit = (
        logistic_int16(gates[i], GATE_MULTIPLIER, GATE_SHIFT, params.table) for i in (0, 1, 3)
    )
    proposal = tanh_int16(gates[2], GATE_MULTIPLIER, GATE_SHIFT, params.table)
    kept = _saturate(requantize(keep * c, params.forget_requantization))
    added = _saturate(requantize(update * proposal, params.update_requantization))
    c = np.clip(_saturate(kept + added), -params.cell_clip, params.cell_clip)
    squashed = tanh_int16(c, params.tanh_multiplier, params.tanh_shift, params.table)
    h = requantize(squashed * emit, params.hidden_requantization) + params.hidden_zero_point
    return h, c


def _gate(params: Lstm, gate: Gate, x: Int64Array, h: Int64Array) -> Int64Array:
    """Return what goes into the gate's sigmoid: two sums, each rounded by itself."""
    from_input = (x - params.input_zero_point) @ gate.input_weights.astype(np.int64).T
    from_hidden = (h - params.hidden_zero_point) @ gate.recurrent_weights.astype(np.int64).T
    first = requantize(from_input + gate.bias.astype(np.int64), gate.input_requantization)
    second = requantize(from_hidden, gate.recurrent_requantization)
    return _saturate(_saturate(first) + _saturate(second))


def _saturate(x: Int64Array) -> Int64Array:
    return np.clip(x, *_check.limits("int16"))

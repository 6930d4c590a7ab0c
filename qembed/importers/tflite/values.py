"""What the conversions of single operators share: checks of values, and the steps they return."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from qembed.errors import ModelError, UnsupportedError
from qembed.ir import AnyArray, DType, Quantization, Shape
from qembed.ops.reshape import Reshape
from qembed.tflite.reader import Operator, Value

# TFLite Micro takes scales for equal that differ by no more than this.
TIED_SCALE_TOLERANCE = 1e-6
INT16_SCALE_TOLERANCE = 1e-3  # of an implied scale, relative
BIAS_SCALE_TOLERANCE = 0.02  # in output steps

INTEGERS = ("int8", "uint8", "int16", "int32", "int64")
# Types of values that an operator may move without looking at them.
MOVABLE = ("int8", "uint8", "int16", "int32", "int64", "float32", "bool")


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One node to be: the operator's stem and parameters, the values it reads and writes."""

    stem: str
    params: Any
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]


def describe(value: Value) -> str:
    """Name, type and shape of a value, for messages.

    Of the names that a converter joins with semicolons for a fused tensor, the first will do.
    """
    name, *fused = value.name.split(";")
    return f"'{name}{';...' if fused else ''}' ({value.dtype}{list(value.shape)})"


def operand(op: Operator, index: int, dtypes: Sequence[str] = ("int8", "int16")) -> Value:
    """Input number `index`, which must be there and of one of `dtypes`."""
    value = optional_operand(op, index, dtypes)
    if value is None:
        raise ModelError(f"input {index} is missing")
    return value


def optional_operand(op: Operator, index: int, dtypes: Sequence[str]) -> Value | None:
    """Input number `index` of one of `dtypes`, or None if the file leaves it out."""
    value = op.inputs[index] if index < len(op.inputs) else None
    return None if value is None else _of_type(value, dtypes)


def result(op: Operator, dtypes: Sequence[str] = ("int8", "int16")) -> Value:
    """Return the only output, which must be of one of `dtypes`."""
    if len(op.outputs) != 1:
        raise ModelError(f"has {len(op.outputs)} outputs instead of one")
    return _of_type(op.outputs[0], dtypes)


def _of_type(value: Value, dtypes: Sequence[str]) -> Value:
    if value.dtype not in dtypes:
        raise UnsupportedError(
            f"tensor {describe(value)} must be {' or '.join(dtypes)} for this operator"
        )
    if value.is_sparse:
        raise UnsupportedError(f"tensor {describe(value)} is stored sparse")
    return value


def contents(value: Value) -> AnyArray:
    """Contents of a value that must be a constant."""
    if value.data is None:
        raise UnsupportedError(f"tensor {describe(value)} must be a constant")
    return value.data


def integers(value: Value) -> tuple[int, ...]:
    """Contents of a constant list of integers."""
    return tuple(int(n) for n in contents(value).reshape(-1))


def quantization(value: Value) -> Quantization:
    """Scale and zero point of a value that must have exactly one of each."""
    if value.scales.size != 1:
        raise UnsupportedError(
            f"tensor {describe(value)} has {value.scales.size} scales, must have one here"
        )
    if value.dtype not in INTEGERS:
        raise UnsupportedError(f"tensor {describe(value)} has a scale but is not of integers")
    scale, zero_point = float(value.scales[0]), int(value.zero_points[0])
    if not 0.0 < scale < float("inf"):
        raise ModelError(f"tensor {describe(value)} has the scale {scale}, must be positive")
    limits = np.iinfo(value.dtype)
    if not limits.min <= zero_point <= limits.max:
        raise ModelError(f"tensor {describe(value)} has the zero point {zero_point}")
    return Quantization(scale, zero_point)


def channel_scales(value: Value, channels: int, axis: int) -> NDArray[np.float32]:
    """Scales of a constant, one for all or one per channel along `axis`; zero points 0.

    With a single scale the file's own axis means nothing, and some files store any number there.
    """
    scales = value.scales
    if scales.size not in (1, channels):
        raise ModelError(
            f"tensor {describe(value)} has {scales.size} scales for {channels} channels"
        )
    if scales.size > 1 and value.axis != axis:
        raise UnsupportedError(
            f"tensor {describe(value)} is quantized along axis {value.axis}, must be {axis}"
        )
    bad = np.flatnonzero(~((scales > 0) & np.isfinite(scales)))
    if bad.size:
        raise ModelError(
            f"tensor {describe(value)} has the scale {scales[bad[0]]} in channel {bad[0]}, must "
            "be positive"
        )
    return scales.astype(np.float32)


def require_no_zero_point(value: Value) -> None:
    """Refuse weights whose zero points are not 0."""
    if np.any(value.zero_points != 0):
        raise UnsupportedError(f"tensor {describe(value)} has a zero point; weights must have 0")


def require_tied(x: Value, y: Value) -> None:
    """Refuse different quantization where an operator moves bytes without converting them."""
    if x.dtype != y.dtype:
        raise ModelError(f"tensors {describe(x)} and {describe(y)} must have the same type")
    if not x.scales.size and not y.scales.size:
        return
    one, other = quantization(x), quantization(y)
    if abs(one.scale - other.scale) > TIED_SCALE_TOLERANCE or one.zero_point != other.zero_point:
        raise ModelError(
            f"tensors {describe(x)} and {describe(y)} must have the same scale and zero point, "
            f"not {one.scale:g}, {one.zero_point} and {other.scale:g}, {other.zero_point}"
        )


def require_implied(y: Value, wanted: Quantization, tolerance: float = 0.0) -> None:
    """Refuse an output whose quantization is not the one that the arithmetic implies.

    `tolerance` is relative, of the scale.
    """
    declared = quantization(y)
    close = abs(declared.scale - wanted.scale) <= tolerance * wanted.scale
    if not close or declared.zero_point != wanted.zero_point:
        raise ModelError(
            f"output {describe(y)} must have scale {wanted.scale} and zero point "
            f"{wanted.zero_point}"
        )


def bias_of(
    op: Operator,
    channels: int,
    dtypes: Sequence[str],
    products: NDArray[np.float64],
    index: int = 2,
    missing: str = "int32",
) -> AnyArray:
    """Bias of a layer (input number `index`); zeros of type `missing` if the file leaves it out.

    `products` are input scale * weight scale / output scale. As in TFLite Micro the scale of the
    bias, if given, may be off by 2 % of an output step.
    """
    value = optional_operand(op, index, dtypes)
    if value is None:
        return np.zeros(channels, missing)
    bias = contents(value)
    if bias.size != channels:
        raise ModelError(f"bias {describe(value)} does not have {channels} values")
    if value.scales.size:
        _require_bias_scale(value, quantization(op.outputs[0]).scale, products)
    return bias.reshape(channels).astype(value.dtype)


def _require_bias_scale(value: Value, step: float, products: NDArray[np.float64]) -> None:
    if value.scales.size != products.size and 1 not in (value.scales.size, products.size):
        raise ModelError(f"bias {describe(value)} has {value.scales.size} scales")
    with np.errstate(invalid="ignore", over="ignore"):  # the scales may be any bytes
        close = np.abs(value.scales / np.float64(step) - products) <= BIAS_SCALE_TOLERANCE
    if not np.all(close):
        raise ModelError(
            f"the scale of bias {describe(value)} is not the product of input and weight scales"
        )


def between(like: Value, suffix: str, shape: Shape) -> Value:
    """Return a new value between two nodes, with type and scale of `like`."""
    return replace(like, name=f"{like.name}/{suffix}", shape=shape, data=None, is_variable=False)


def reshaped(x: Value, y: Value, stem: str, params: Any, shape: Shape) -> list[Step]:
    """Return steps that compute `shape` from x and call it y, whatever shape y is declared."""
    if y.shape == shape:
        return [Step(stem, params, (x,), (y,))]
    raw = between(y, "rows", shape)
    return [
        Step(stem, params, (x,), (raw,)),
        Step("reshape", Reshape(y.shape), (raw,), (y,)),
    ]


def axis_of(axis: int, rank: int) -> int:
    """Return an axis of a tensor of `rank` dimensions, counted from the front."""
    if not -rank <= axis < rank:
        raise ModelError(f"axis {axis} is not among the {rank} dimensions")
    return axis % rank


def dtype_of(value: Value) -> DType:
    """Type of an activation, checked earlier to be one of qembed's."""
    return cast(DType, value.dtype)

"""What the operators share when they turn into operators of a .tflite file."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from qembed.errors import UnsupportedError
from qembed.ir import AnyArray, Padding2D, Shape
from qembed.numerics import window_padding
from qembed.tflite import schema
from qembed.tflite.reader import Operator, Value

NO_SCALES = np.zeros(0, np.float32)
NO_ZERO_POINTS = np.zeros(0, np.int64)
LOWEST = {"float32": np.finfo(np.float32).min, "int8": -128, "int16": -32768}


def operator(
    code: str, inputs: list[Value | None], outputs: list[Value], **options: Any
) -> Operator:
    """Make an operator: options that are not given have the format's defaults."""
    fields = schema.OPTIONS.get(code, (0, ()))[1]
    complete = {
        field.name: field.names[int(field.default)] if field.names else field.default
        for field in fields
    }
    unknown = set(options) - set(complete)
    if unknown:
        raise KeyError(f"{code} has no option {', '.join(sorted(unknown))}")
    return Operator(code, 0, complete | options, tuple(inputs), tuple(outputs))


def constant(name: str, data: AnyArray) -> Value:
    """Return a constant without scale, like an axis or a shape."""
    array = np.ascontiguousarray(data)
    return Value(name, array.shape, array.dtype.name, NO_SCALES, NO_ZERO_POINTS, data=array)


def integers(name: str, numbers: Any) -> Value:
    """Return a constant list of int32."""
    return constant(name, np.array(numbers, np.int32))


def between(like: Value, suffix: str, shape: Shape) -> Value:
    """Return a new value of the type and scale of `like`."""
    return replace(like, name=f"{like.name}/{suffix}", shape=shape, data=None)


def window(
    x: Value,
    size: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    padding: Padding2D,
) -> tuple[list[Operator], Value, str]:
    """Say a padding as the format can: SAME, VALID, or VALID behind a PAD of its own.

    Returns
    -------
    list of Operator, Value, str
        What goes before the window, what the window reads, and its padding.
    """
    scheme = named_padding(x.shape, size, stride, dilation, padding)
    if scheme is not None:
        return [], x, scheme
    before, padded = padded_with(x, ((0, 0), *padding, (0, 0)), 0.0)
    return [before], padded, "VALID"


def named_padding(
    shape: Shape,
    size: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    padding: Padding2D,
) -> str | None:
    """Return "VALID" or "SAME", whichever means this padding, or None."""
    for scheme in ("VALID", "SAME"):
        meant = tuple(
            window_padding(scheme, shape[1 + i], size[i], stride[i], dilation[i]) for i in (0, 1)
        )
        if meant == padding:
            return scheme
    return None


def padded_with(
    x: Value, padding: tuple[tuple[int, int], ...], value: float
) -> tuple[Operator, Value]:
    """Return a PAD (PADV2 where the value is not zero) and what it writes."""
    shape = tuple(n + sum(edge) for n, edge in zip(x.shape, padding, strict=True))
    padded = between(x, "padded", shape)
    return pad_operator(x, padded, padding, value), padded


def pad_operator(
    x: Value, y: Value, padding: tuple[tuple[int, int], ...], value: float
) -> Operator:
    """Return the operator that surrounds `x` with a real value (-inf: the lowest there is)."""
    edges = integers(f"{y.name}/padding", padding)
    if value == 0.0:
        return operator("PAD", [x, edges], [y])
    if x.dtype == "float32" or value == -np.inf:
        number = LOWEST[x.dtype] if value == -np.inf else value
    else:
        number = round(value / float(x.scales[0])) + int(x.zero_points[0])
        limits = np.iinfo(x.dtype)
        if not limits.min <= number <= limits.max:
            raise UnsupportedError(f"padding value {value:g} is outside the range of '{x.name}'")
    filling = replace(between(x, "filling", (1,)), data=np.array([number], np.dtype(x.dtype)))
    return operator("PADV2", [x, edges, filling], [y])

"""Operators whose inputs are all constants: shapes, mostly. They are computed at import."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from qembed.errors import ModelError, UnsupportedError
from qembed.importers.onnx.reader import Node
from qembed.ir import AnyArray

MAX_VALUES = 1 << 26
"""Of a computed constant: a file of some bytes must not fill the memory."""

CASTS = {
    1: "float32",
    2: "uint8",
    3: "int8",
    5: "int16",
    6: "int32",
    7: "int64",
    9: "bool",
    10: "float16",
    11: "float64",
}
"""Types by their number in the format."""


def fold(node: Node, inputs: Sequence[AnyArray | None]) -> AnyArray:
    """Compute the only output of a node of `FOLDABLE`.

    Raises
    ------
    ModelError
        If its operands do not fit.
    """
    try:
        result = np.asarray(FOLDABLE[node.code](node, *inputs))
    except (ValueError, IndexError, TypeError, KeyError, OverflowError, MemoryError):
        raise ModelError("its constant operands do not fit it") from None
    return result


def _bounded(count: int) -> int:
    if count > MAX_VALUES:
        raise UnsupportedError(f"a computed constant would have {count} values")
    return count


def _constant(node: Node) -> AnyArray:
    for name, dtype in (("value_float", "float32"), ("value_int", "int64")):
        if name in node.attributes:
            return np.array(node.attributes[name], dtype)
    for name, dtype in (("value_floats", "float32"), ("value_ints", "int64")):
        if name in node.attributes:
            return np.array(node.attributes[name], dtype)
    return np.asarray(node.attributes["value"])


def _constant_of_shape(node: Node, shape: AnyArray) -> AnyArray:
    sizes = tuple(int(n) for n in shape)
    _bounded(int(np.prod(np.maximum(sizes, 0), dtype=object)) if sizes else 1)
    value = node.attributes.get("value", np.zeros(1, np.float32))
    return np.full(sizes, value.reshape(-1)[0], value.dtype)


def _cast(node: Node, x: AnyArray) -> AnyArray:
    with np.errstate(all="ignore"):
        return x.astype(CASTS[node.attributes["to"]])


def _gather(node: Node, x: AnyArray, indices: AnyArray) -> AnyArray:
    _bounded(indices.size * (x.size or 1))
    return np.take(x, indices, axis=node.attributes.get("axis", 0))


def integers(array: AnyArray) -> list[int]:
    """Return the integers of a constant, which must hold such."""
    if array.dtype.kind not in "iu":
        raise ModelError(f"a list of {array.dtype.name} must be one of integers")
    return [int(n) for n in array.ravel()]


def axes_of(node: Node, given: AnyArray | None, rank: int) -> tuple[int, ...] | None:
    """Axes as an input (newer files) or attribute; none negative, None if the file has none."""
    axes = node.attributes.get("axes") if given is None else tuple(integers(given))
    if axes is None:
        return None
    if any(not -rank <= axis < rank for axis in axes):
        raise ModelError(f"axes {tuple(axes)} are not among {rank} dimensions")
    return tuple(sorted({axis % rank for axis in axes}))


def _unsqueeze(node: Node, x: AnyArray, given: AnyArray | None = None) -> AnyArray:
    count = len(node.attributes["axes"]) if given is None else given.size
    return np.expand_dims(x, axes_of(node, given, x.ndim + count) or ())


def _squeeze(node: Node, x: AnyArray, given: AnyArray | None = None) -> AnyArray:
    return np.squeeze(x, axes_of(node, given, x.ndim))


def _reshape(node: Node, x: AnyArray, shape: AnyArray) -> AnyArray:
    return x.reshape(reshaped(node, x.shape, shape))


def reshaped(node: Node, before: tuple[int, ...], wanted: AnyArray) -> tuple[int, ...]:
    """Shape that Reshape gives: 0 copies a size, -1 is what is left."""
    sizes = integers(wanted)
    if not node.attributes.get("allowzero") and 0 not in sizes[len(before) :]:
        sizes = [before[i] if n == 0 else n for i, n in enumerate(sizes)]
    count = int(np.prod(before, dtype=np.int64))
    if sizes.count(-1) == 1:
        known = int(np.prod([n for n in sizes if n != -1], dtype=np.int64))
        sizes[sizes.index(-1)] = count // known if known else 0
    if min(sizes, default=1) < 0 or int(np.prod(sizes, dtype=object)) != count:
        raise ModelError(f"shape {tuple(before)} cannot become {tuple(sizes)}")
    return tuple(sizes)


def _slice(node: Node, x: AnyArray, *given: AnyArray | None) -> AnyArray:
    picks = [slice(None)] * x.ndim
    for axis, start, size, step in spans(node, x.shape, given):
        end = start + size * step
        picks[axis] = slice(start, end if end >= 0 else None, step)
    return x[tuple(picks)]


def spans(
    node: Node, shape: tuple[int, ...], given: Sequence[AnyArray | None]
) -> list[tuple[int, int, int, int]]:
    """Return what Slice picks: (axis, first position, count, step) of each axis it names."""

    def listed(index: int, name: str, default: Sequence[int]) -> list[int]:
        array = given[index] if index < len(given) else None
        return list(node.attributes.get(name, default)) if array is None else integers(array)

    starts, ends = listed(0, "starts", ()), listed(1, "ends", ())
    axes = listed(2, "axes", range(len(starts)))
    steps = listed(3, "steps", [1] * len(starts))
    if not len(starts) == len(ends) == len(axes) == len(steps):
        raise ModelError("starts, ends, axes and steps have different lengths")
    found = []
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        if not -len(shape) <= axis < len(shape) or step == 0:
            raise ModelError(f"axis {axis} and step {step} do not fit {shape}")
        picked = range(*slice(start, end, step).indices(shape[axis]))
        found.append((axis % len(shape), picked.start, len(picked), step))
    return found


def _arithmetic(function: Callable[..., Any]) -> Callable[..., AnyArray]:
    def compute(node: Node, *inputs: AnyArray) -> AnyArray:
        _bounded(int(np.prod(np.broadcast_shapes(*(x.shape for x in inputs)), dtype=object)))
        with np.errstate(all="ignore"):
            return np.asarray(function(*inputs)).astype(inputs[0].dtype)

    return compute


def _divide(a: AnyArray, b: AnyArray) -> AnyArray:
    """Integers are cut towards zero."""
    if a.dtype.kind == "f":
        return np.asarray(a / b)
    if not np.all(b):
        raise ValueError
    return np.asarray(np.sign(a) * np.sign(b) * (np.abs(a) // np.abs(b)))


def _expand(node: Node, x: AnyArray, shape: AnyArray) -> AnyArray:
    wanted = np.broadcast_shapes(x.shape, tuple(int(n) for n in shape))
    _bounded(int(np.prod(wanted, dtype=object)))
    return np.broadcast_to(x, wanted).copy()


def _transpose(node: Node, x: AnyArray) -> AnyArray:
    return np.transpose(x, node.attributes.get("perm"))


def _concat(node: Node, *inputs: AnyArray) -> AnyArray:
    return np.concatenate(inputs, axis=node.attributes["axis"])


FOLDABLE: dict[str, Callable[..., Any]] = {
    "Add": _arithmetic(np.add),
    "Cast": _cast,
    "Ceil": _arithmetic(np.ceil),
    "Concat": _concat,
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Div": _arithmetic(_divide),
    "Expand": _expand,
    "Floor": _arithmetic(np.floor),
    "Gather": _gather,
    "Identity": lambda node, x: x,
    "Mul": _arithmetic(np.multiply),
    "Neg": _arithmetic(np.negative),
    "Reciprocal": _arithmetic(lambda x: 1 / x),
    "Reshape": _reshape,
    "Slice": _slice,
    "Sqrt": _arithmetic(np.sqrt),
    "Squeeze": _squeeze,
    "Sub": _arithmetic(np.subtract),
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}

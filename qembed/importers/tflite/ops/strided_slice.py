"""STRIDED_SLICE, SLICE, SPLIT, SPLIT_V and UNPACK to `qembed.ops.strided_slice`."""

from __future__ import annotations

from collections.abc import Sequence

from qembed.errors import ModelError, UnsupportedError
from qembed.importers.tflite import values
from qembed.importers.tflite.values import Step
from qembed.numerics import Numerics
from qembed.ops.strided_slice import StridedSlice
from qembed.tflite.reader import Operator, Value

INDICES = ("int32", "int64")


def convert(op: Operator, numerics: Numerics) -> list[Step]:
    """Resolve masks and negative positions; a shrunk axis is a reshape afterwards."""
    x, y = values.operand(op, 0, values.MOVABLE), values.result(op, values.MOVABLE)
    values.require_tied(x, y)
    if op.options["ellipsis_mask"] or op.options["new_axis_mask"]:
        raise UnsupportedError("ellipsis and new-axis masks are not supported")
    begin, end, stride = (values.integers(values.operand(op, i, ("int32",))) for i in (1, 2, 3))
    if not len(begin) == len(end) == len(stride) == len(x.shape) or 0 in stride:
        raise ModelError(f"begin, end and stride do not fit {values.describe(x)}")
    spans = [
        _span(op, axis, n, begin[axis], end[axis], stride[axis]) for axis, n in enumerate(x.shape)
    ]
    starts, strides, sizes = zip(*spans, strict=True) if spans else ((), (), ())
    return _slice(x, y, starts, strides, sizes)


def _span(
    op: Operator, axis: int, n: int, begin: int, end: int, stride: int
) -> tuple[int, int, int]:
    """(first position, stride, number of values) on one axis of size n."""
    lowest, highest = (0, n) if stride > 0 else (-1, n - 1)

    def resolve(position: int) -> int:
        return min(max(position + n if position < 0 else position, lowest), highest)

    masked = op.options["begin_mask"] >> axis & 1
    first = (lowest if stride > 0 else highest) if masked else resolve(begin)
    if op.options["shrink_axis_mask"] >> axis & 1:
        return first, 1, 1
    if op.options["offset"]:
        end += begin
    masked = op.options["end_mask"] >> axis & 1
    last = (highest if stride > 0 else lowest) if masked else resolve(end)
    return first, stride, -((first - last) // stride)


def convert_slice(op: Operator, numerics: Numerics) -> list[Step]:
    """Size -1 means up to the end."""
    x, y = values.operand(op, 0, values.MOVABLE), values.result(op, values.MOVABLE)
    values.require_tied(x, y)
    begin, size = (values.integers(values.operand(op, i, INDICES)) for i in (1, 2))
    if not len(begin) == len(size) == len(x.shape):
        raise ModelError(f"begin and size do not fit {values.describe(x)}")
    sizes = [n - b if s == -1 else s for n, b, s in zip(x.shape, begin, size, strict=True)]
    return _slice(x, y, begin, (1,) * len(begin), sizes)


def convert_split(op: Operator, numerics: Numerics) -> list[Step]:
    """Cut into parts of equal size."""
    x = values.operand(op, 1, values.MOVABLE)
    axis = _axis(op, 0, x)
    count = len(op.outputs)
    if not count or x.shape[axis] % count:
        raise ModelError(f"{values.describe(x)} cannot be cut into {count} equal parts")
    return _parts(op, x, axis, [x.shape[axis] // count] * count)


def convert_split_v(op: Operator, numerics: Numerics) -> list[Step]:
    """Cut into parts of given sizes, one of which may be -1: the rest."""
    x = values.operand(op, 0, values.MOVABLE)
    sizes = list(values.integers(values.operand(op, 1, INDICES)))
    axis = _axis(op, 2, x)
    if sizes.count(-1) == 1:
        sizes[sizes.index(-1)] = x.shape[axis] - sum(sizes) - 1
    if len(sizes) != len(op.outputs) or sum(sizes) != x.shape[axis]:
        raise ModelError(f"sizes {sizes} do not divide {values.describe(x)}")
    return _parts(op, x, axis, sizes)


def convert_unpack(op: Operator, numerics: Numerics) -> list[Step]:
    """Cut into slices of size 1, and drop the axis."""
    x = values.operand(op, 0, values.MOVABLE)
    axis = values.axis_of(op.options["axis"], len(x.shape))
    if len(op.outputs) != x.shape[axis]:
        raise ModelError(f"{values.describe(x)} does not have {len(op.outputs)} slices")
    return _parts(op, x, axis, [1] * len(op.outputs))


def _axis(op: Operator, index: int, x: Value) -> int:
    given = values.integers(values.operand(op, index, ("int32",)))
    if len(given) != 1:
        raise ModelError(f"input {index} must be one axis")
    return values.axis_of(given[0], len(x.shape))


def _parts(op: Operator, x: Value, axis: int, sizes: Sequence[int]) -> list[Step]:
    steps: list[Step] = []
    first = 0
    for y, size in zip(op.outputs, sizes, strict=True):
        values.require_tied(x, y)
        begin = [first if i == axis else 0 for i in range(len(x.shape))]
        shape = (*x.shape[:axis], size, *x.shape[axis + 1 :])
        steps += _slice(x, y, begin, (1,) * len(begin), shape)
        first += size
    return steps


def _slice(
    x: Value, y: Value, begin: Sequence[int], stride: Sequence[int], size: Sequence[int]
) -> list[Step]:
    params = StridedSlice(tuple(begin), tuple(stride), tuple(size))
    return values.reshaped(x, y, "strided_slice", params, tuple(size))

"""QuantizeLinear and DequantizeLinear: where integers and real numbers meet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from qembed.errors import ModelError, UnsupportedError
from qembed.importers.onnx import integers
from qembed.importers.onnx.folding import CASTS
from qembed.importers.onnx.reader import Node
from qembed.importers.onnx.signals import (
    Builder,
    Grid,
    Layer,
    Rows,
    Signal,
    constant,
    emit,
    entry,
    finished,
    natural,
)
from qembed.importers.tflite.convert import append
from qembed.ir import AnyArray, DType
from qembed.ops.concatenation import Concatenation
from qembed.ops.dequantize import Dequantize
from qembed.ops.quantize import Quantize
from qembed.ops.reshape import Reshape
from qembed.ops.strided_slice import StridedSlice
from qembed.tflite.reader import Operator, Value

STORED_AS = {"int8": "int8", "uint8": "int8", "int16": "int16", "int32": "int32"}


def convert_quantize(b: Builder, node: Node) -> None:
    """Finish the layer before it, or go from one scale to another."""
    name, given = node.outputs[0], entry(b, node, 0)
    zero_point = constant(b, node, 2)
    dtype = _quantized_type(b, node, zero_point)
    grid = grid_of(b, node, dtype)
    if isinstance(given, Layer):
        b.entries[name] = finished(b, given, grid, name)
    elif isinstance(given, Signal) and given.value.data is not None:
        b.constants[name] = _quantized_constant(given.value.data, grid)
    elif isinstance(given, Rows):
        moved = _requantized(b, given.source, grid, name)
        b.entries[name] = Rows(moved, given.shape)
    else:
        b.entries[name] = _requantized(b, given, grid, name)


def _quantized_type(b: Builder, node: Node, zero_point: AnyArray | None) -> str:
    if len(node.inputs) > 2 and node.inputs[2] in b.narrow:
        return "int4"
    if zero_point is not None:
        return zero_point.dtype.name
    number = node.attributes.get("output_dtype", 0)
    return CASTS.get(number, f"type {number}") if number else "uint8"


def grid_of(b: Builder, node: Node, dtype: str, narrow: bool = False) -> Grid:
    """Read scale (input 1), zero point (input 2) and axis of a node for values of `dtype`."""
    if node.attributes.get("block_size"):
        raise UnsupportedError("scales of blocks are not supported")
    if dtype not in STORED_AS:
        raise UnsupportedError(f"{dtype} is not supported, only {', '.join(STORED_AS)}")
    given, zero = constant(b, node, 1), constant(b, node, 2)
    if given is None or given.ndim > 1 or given.dtype.kind != "f" or not given.size:
        raise UnsupportedError("the scale must be one real number, or one a channel")
    scales = given.reshape(-1).astype(np.float32)
    if not np.all((scales > 0) & np.isfinite(scales)):
        raise ModelError("a scale is not a positive finite number")
    points = np.zeros(scales.size, np.int64)
    if zero is not None:
        if zero.size not in (1, scales.size):
            raise ModelError(f"{scales.size} scales, but {zero.size} zero points")
        points = points + zero.reshape(-1).astype(np.int64)
    unsigned = dtype == "uint8"
    stored = "int4" if narrow else STORED_AS[dtype]
    axis = int(node.attributes.get("axis", 1))
    return Grid(stored, unsigned, scales, points - 128 * unsigned, axis)


def _quantized_constant(real: AnyArray, grid: Grid) -> AnyArray:
    """Quantize a constant as the format says: ties to even. In the type of the file."""
    shape = _along(grid, real.ndim)
    offset = 128 if grid.unsigned else 0
    dtype = np.dtype("uint8" if grid.unsigned else grid.dtype)
    limits = np.iinfo(dtype)
    steps = np.rint(real / grid.scales.reshape(shape)).astype(np.float64)
    quantized = steps + grid.zero_points.reshape(shape) + offset
    return np.clip(quantized, limits.min, limits.max).astype(dtype)


def _along(grid: Grid, rank: int) -> tuple[int, ...]:
    """Shape in which scales broadcast along their axis."""
    if not grid.per_axis:
        return (1,) * rank
    axis = axis_of(grid.axis, rank)
    return tuple(-1 if i == axis else 1 for i in range(rank))


def axis_of(axis: int, rank: int) -> int:
    """Return an axis counted from the front."""
    if not -rank <= axis < rank:
        raise ModelError(f"axis {axis} is not among the {rank} dimensions")
    return axis % rank


def _requantized(b: Builder, given: Signal, grid: Grid, name: str) -> Signal:
    """Bring real numbers to `grid`, or those that integers stand for."""
    if not given.real:
        raise ModelError("its input is quantized already")
    if grid.per_axis:
        return _by_channel(b, given, grid, name, _quantize_part)
    y = Value(name, given.value.shape, grid.dtype, grid.scales, grid.zero_points)
    done = Signal(y, given.axes, False, grid.unsigned)
    if _same_grid(given, grid):
        return replace(done, value=given.value)
    assert b.numerics is not None
    for step in integers.quantize(Operator("QUANTIZE", 0, {}, (given.value,), (y,)), b.numerics):
        append(b.assembly, step)
    return done


def _same_grid(given: Signal, grid: Grid) -> bool:
    value = given.value
    return (
        value.dtype == grid.dtype
        and np.array_equal(value.scales, grid.scales)
        and np.array_equal(value.zero_points, grid.zero_points)
        and given.unsigned == grid.unsigned
    )


def convert_dequantize(b: Builder, node: Node) -> None:
    """Look at integers as the real numbers they stand for; nothing is computed yet."""
    given = entry(b, node, 0)
    name, source = node.outputs[0], node.inputs[0]
    if isinstance(given, Layer):
        raise ModelError("its input is not quantized")
    if isinstance(given, Rows):
        b.entries[name] = Rows(_viewed(b, node, given.source), given.shape)
    elif given.value.data is not None:
        b.entries[name] = _constant_view(b, node, given, source in b.narrow)
    else:
        b.entries[name] = _viewed(b, node, given)


def _constant_view(b: Builder, node: Node, given: Signal, narrow: bool) -> Signal:
    grid = grid_of(b, node, "uint8" if given.unsigned else given.value.dtype, narrow)
    axis = axis_of(grid.axis, len(given.shape)) if grid.per_axis else 0
    if grid.per_axis and grid.scales.size != given.shape[axis]:
        raise ModelError(f"{grid.scales.size} scales for {given.shape[axis]} channels")
    value = replace(
        given.value,
        dtype=grid.dtype,
        scales=grid.scales,
        zero_points=grid.zero_points,
        axis=axis,
    )
    return replace(given, value=value, real=True)


def _viewed(b: Builder, node: Node, given: Signal) -> Signal:
    if given.real:
        raise ModelError("its input is not quantized")
    dtype = "uint8" if given.unsigned else given.value.dtype
    grid = grid_of(b, node, dtype)
    if grid.per_axis:
        return _by_channel(b, given, grid, node.outputs[0], _dequantize_part)
    if dtype == "int32":
        params = Dequantize(float(grid.scales[0]), int(grid.zero_points[0]))
        y = emit(b, "dequantize", params, [given.value], node.outputs[0], given.value)
        return Signal(unscaled(y), given.axes, True)
    if _same_grid(given, grid):
        return replace(given, real=True)
    # The same bytes, read on another scale: a value of its own.
    like = replace(given.value, scales=grid.scales, zero_points=grid.zero_points)
    value = emit(b, "reshape", Reshape(like.shape), [given.value], node.outputs[0], like)
    return replace(given, value=value, real=True)


def unscaled(value: Value) -> Value:
    """Drop scale and zero point of a value that holds what it means."""
    return replace(value, scales=value.scales[:0], zero_points=value.zero_points[:0])


def dequantized(b: Builder, given: Signal, name: str) -> Value:
    """Return real numbers, in the file's order, of a signal that stands for some."""
    value = natural(b, given)
    if given.is_float:
        return value
    if value.scales.size != 1:
        raise UnsupportedError("real numbers with several scales")
    params = Dequantize(float(value.scales[0]), int(value.zero_points[0]))
    return emit(b, "dequantize", params, [value], name, unscaled(value))


Part = Callable[[Builder, Value, Grid, int, str], Value]


def _by_channel(b: Builder, given: Signal, grid: Grid, name: str, make: Part) -> Signal:
    """Cut a tensor with a scale a channel into channels, convert each, join them again."""
    value = natural(b, given)
    axis = axis_of(grid.axis, len(value.shape))
    if grid.scales.size != value.shape[axis]:
        raise ModelError(f"{grid.scales.size} scales for {value.shape[axis]} channels")
    size = tuple(1 if i == axis else n for i, n in enumerate(value.shape))
    parts = []
    for channel in range(grid.scales.size):
        begin = tuple(channel if i == axis else 0 for i in range(len(size)))
        pick = StridedSlice(begin, (1,) * len(size), size)
        part = emit(b, "strided_slice", pick, [value], f"{name}/channel {channel}", value)
        parts.append(make(b, part, grid, channel, f"{name}/part {channel}"))
    whole = emit(b, "concatenation", Concatenation(axis), parts, name, unscaled(parts[0]))
    axes = tuple(range(len(size)))
    is_real = whole.dtype == "float32"
    return Signal(whole, axes, is_real, grid.unsigned and not is_real)


def _dequantize_part(b: Builder, part: Value, grid: Grid, channel: int, name: str) -> Value:
    params = Dequantize(float(grid.scales[channel]), int(grid.zero_points[channel]))
    return emit(b, "dequantize", params, [part], name, unscaled(part))


def _quantize_part(b: Builder, part: Value, grid: Grid, channel: int, name: str) -> Value:
    dtype: DType = "int16" if grid.dtype == "int16" else "int8"
    params = Quantize(
        dtype,
        int(grid.zero_points[channel]),
        scale=float(grid.scales[channel]),
        ties_to_even=b.numerics is not None and b.numerics.in_float32,
    )
    return emit(b, "quantize", params, [part], name, part)

"""Operators that move values without looking at them; some only change the order of axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from qembed.errors import ModelError, UnsupportedError
from qembed.importers.onnx import folding
from qembed.importers.onnx.ops.quantization import axis_of
from qembed.importers.onnx.reader import Node
from qembed.importers.onnx.signals import (
    IMAGE_AXES,
    NO_SCALES,
    NO_ZERO_POINTS,
    Builder,
    Layer,
    Rows,
    Signal,
    constant,
    emit,
    entry,
    image,
    natural,
    settled,
    signal,
    stored,
)
from qembed.importers.tflite.convert import append
from qembed.importers.tflite.floats import FLOAT_CONVERTERS
from qembed.importers.tflite.ops import CONVERTERS
from qembed.ir import AnyArray, Shape
from qembed.numerics import PROFILES
from qembed.ops.concatenation import Concatenation
from qembed.ops.gather import Gather
from qembed.ops.reshape import Reshape
from qembed.ops.resize_nearest import ResizeNearest
from qembed.ops.strided_slice import StridedSlice
from qembed.tflite.reader import Operator, Value


def moved(
    b: Builder,
    node: Node,
    code: str,
    inputs: tuple[Value, ...],
    shape: Shape,
    options: dict[str, Any],
    name: str | None = None,
) -> Value:
    """Append an operator of a .tflite file whose output has the scale of its input."""
    y = replace(inputs[0], name=name or node.outputs[0], shape=shape, data=None)
    op = Operator(code, node.index, {**options, "activation": "NONE"}, inputs, (y,))
    if b.numerics is None:
        steps = FLOAT_CONVERTERS[code](op)
    else:
        steps = CONVERTERS[code](op, PROFILES["tflm"])  # no arithmetic, so no profile
    for step in steps:
        append(b.assembly, step)
    return y


def numbers(name: str, values: Any) -> Value:
    """Return a constant of int32."""
    data = np.array(values, np.int32)
    return Value(name, data.shape, "int32", NO_SCALES, NO_ZERO_POINTS, data=data)


def convert_identity(b: Builder, node: Node) -> None:
    """Give what there is a further name; Dropout does nothing in inference."""
    if node.code == "Dropout" and constant(b, node, 2) is not None:
        raise UnsupportedError("training mode")
    b.entries[node.outputs[0]] = entry(b, node, 0)


def convert_shape(b: Builder, node: Node) -> None:
    """Return a constant: all sizes are known."""
    found = entry(b, node, 0)
    shape = signal(b, node, 0).shape if isinstance(found, Signal) else _entry_shape(found)
    start, end = node.attributes.get("start", 0), node.attributes.get("end", len(shape))
    b.constants[node.outputs[0]] = np.array(shape[start:end], np.int64)


def _entry_shape(found: Layer | Rows | Signal) -> Shape:
    if isinstance(found, Layer):
        return tuple(found.shape[axis] for axis in found.axes)
    return found.shape


def convert_reshape(b: Builder, node: Node) -> None:
    """Sizes must be constants."""
    wanted = constant(b, node, 1)
    if wanted is None:
        raise ModelError("input 1 is missing")
    shape = _entry_shape(entry(b, node, 0))
    _reshape(b, node, folding.reshaped(node, shape, wanted))


def convert_flatten(b: Builder, node: Node) -> None:
    """To two dimensions."""
    shape = _entry_shape(entry(b, node, 0))
    axis = int(node.attributes.get("axis", 1))
    axis = axis if axis == len(shape) else axis_of(axis, len(shape))
    _reshape(b, node, (math.prod(shape[:axis]), math.prod(shape[axis:])))


def _reshape(b: Builder, node: Node, shape: Shape) -> None:
    """Reshape; rows that a following matrix product can take in their stored order wait for it."""
    found = entry(b, node, 0)
    x = found.source if isinstance(found, Rows) else signal(b, node, 0)
    long = [axis for axis in x.axes if x.value.shape[axis] > 1]
    in_order = long == sorted(long)
    if not in_order and len(shape) == 2 and shape[0] == x.shape[0] and _first_is_outermost(x):
        b.entries[node.outputs[0]] = Rows(x, shape)
        return
    if isinstance(found, Rows):
        x = settled(b, found)
    source = x.value if in_order else natural(b, x)
    y = emit(b, "reshape", Reshape(shape), [source], node.outputs[0], source)
    b.entries[node.outputs[0]] = replace(x, value=y, axes=tuple(range(len(shape))))


def _first_is_outermost(x: Signal) -> bool:
    return all(x.value.shape[axis] == 1 for axis in range(x.axes[0]))


def convert_transpose(b: Builder, node: Node) -> None:
    """Remember another order; nothing moves."""
    x = signal(b, node, 0)
    rank = len(x.shape)
    order = tuple(node.attributes.get("perm", range(rank - 1, -1, -1)))
    if sorted(order) != list(range(rank)):
        raise ModelError(f"perm {order} does not fit {rank} dimensions")
    b.entries[node.outputs[0]] = replace(x, axes=tuple(x.axes[axis] for axis in order))


def convert_squeeze(b: Builder, node: Node) -> None:
    """Forget axes of size 1."""
    x = signal(b, node, 0)
    axes = folding.axes_of(node, constant(b, node, 1), len(x.shape))
    if axes is None:
        axes = tuple(axis for axis, n in enumerate(x.shape) if n == 1)
    if any(x.shape[axis] != 1 for axis in axes):
        raise ModelError(f"axes {axes} of {x.shape} do not all have size 1")
    kept = tuple(place for axis, place in enumerate(x.axes) if axis not in axes)
    b.entries[node.outputs[0]] = replace(x, axes=kept)


def convert_unsqueeze(b: Builder, node: Node) -> None:
    """Use axes of size 1 that are stored and forgotten; store more of them behind the others."""
    x = signal(b, node, 0)
    given = constant(b, node, 1)
    count = len(node.attributes.get("axes", ())) if given is None else given.size
    rank = len(x.shape) + count
    axes = folding.axes_of(node, given, rank) or ()
    if len(axes) != count:
        raise ModelError("an axis is given twice, or none")
    spare = [axis for axis in range(len(x.value.shape)) if axis not in x.axes]
    value = x.value
    missing = len(axes) - len(spare)
    if missing > 0:
        shape = (*value.shape, *(1,) * missing)
        spare += range(len(value.shape), len(shape))
        value = emit(b, "reshape", Reshape(shape), [value], f"{node.outputs[0]}/axes", value)
    places, free = iter(x.axes), iter(spare)
    mapping = tuple(next(free) if axis in axes else next(places) for axis in range(rank))
    b.entries[node.outputs[0]] = replace(x, value=value, axes=mapping)


def convert_concat(b: Builder, node: Node) -> None:
    """Join at once what has one scale; else the scale behind decides."""
    parts = [signal(b, node, index) for index in range(len(node.inputs))]
    if not parts or len({(part.real, len(part.shape)) for part in parts}) != 1:
        raise ModelError("inputs of different kinds cannot be joined")
    leader = next((part for part in parts if part.value.data is None), parts[0])
    rank = len(leader.value.shape)
    order = [leader.axes.index(i) if i in leader.axes else None for i in range(rank)]
    sources = tuple(stored(b, part, order) for part in parts)
    if "axis" not in node.attributes:
        raise ModelError("attribute axis is missing")
    axis = leader.axes[axis_of(node.attributes["axis"], len(leader.shape))]
    if all(_has_scale_of(source, sources[0]) for source in sources):
        y = emit(b, "concatenation", Concatenation(axis), sources, node.outputs[0], sources[0])
        b.entries[node.outputs[0]] = replace(leader, value=y)
        return
    if not leader.real:
        raise ModelError("the inputs have different scales")
    shape = list(sources[0].shape)
    shape[axis] = sum(source.shape[axis] for source in sources)
    options = {"axis": axis}
    b.entries[node.outputs[0]] = Layer(
        node, "CONCATENATION", sources, tuple(shape), leader.axes, options
    )


def _has_scale_of(value: Value, other: Value) -> bool:
    same = np.array_equal(value.scales, other.scales)
    return same and np.array_equal(value.zero_points, other.zero_points)


def convert_slice(b: Builder, node: Node) -> None:
    """Positions must be constants."""
    given = [constant(b, node, index) for index in range(1, len(node.inputs))]
    x = signal(b, node, 0)
    picks = folding.spans(node, x.shape, given)
    b.entries[node.outputs[0]] = _sliced(b, x, picks, node.outputs[0])


def _sliced(b: Builder, x: Signal, picks: Sequence[tuple[int, int, int, int]], name: str) -> Signal:
    """Pick (axis, first, count, step) of a signal, in the order in which it is stored."""
    rank = len(x.value.shape)
    begin, stride, size = [0] * rank, [1] * rank, list(x.value.shape)
    for axis, first, count, step in picks:
        if count < 1:
            raise UnsupportedError(f"an empty slice of axis {axis}")
        place = x.axes[axis]
        begin[place], stride[place], size[place] = first, step, count
    params = StridedSlice(tuple(begin), tuple(stride), tuple(size))
    return replace(x, value=emit(b, "strided_slice", params, [x.value], name, x.value))


def convert_split(b: Builder, node: Node) -> None:
    """Return one slice a part."""
    x = signal(b, node, 0)
    axis = axis_of(int(node.attributes.get("axis", 0)), len(x.shape))
    given = constant(b, node, 1)
    sizes = folding.integers(given) if given is not None else []
    sizes = sizes or list(node.attributes.get("split", ()))
    if not sizes:
        each = -(-x.shape[axis] // len(node.outputs))
        sizes = [each] * (len(node.outputs) - 1)
        sizes.append(x.shape[axis] - sum(sizes))
    if sum(sizes) != x.shape[axis] or len(sizes) != len(node.outputs) or min(sizes) < 1:
        raise ModelError(f"{x.shape[axis]} values cannot be cut into parts of {sizes}")
    first = 0
    for name, size in zip(node.outputs, sizes, strict=True):
        b.entries[name] = _sliced(b, x, [(axis, first, size, 1)], name)
        first += size


def convert_gather(b: Builder, node: Node) -> None:
    """Positions must be constants; a single one drops the axis."""
    x, indices = signal(b, node, 0), constant(b, node, 1)
    axis = axis_of(int(node.attributes.get("axis", 0)), len(x.shape))
    if indices is None or indices.ndim > 1 or not indices.size:
        raise UnsupportedError("positions must be one number or a list")
    picked = np.array(folding.integers(indices), np.int64)
    size = x.shape[axis]
    if np.any((picked < -size) | (picked >= size)):
        raise ModelError(f"a position is outside of {size} values")
    params = Gather(x.axes[axis], (picked % size).astype(np.int32))
    y = emit(b, "gather", params, [x.value], node.outputs[0], x.value)
    kept = tuple(place for i, place in enumerate(x.axes) if indices.ndim or i != axis)
    b.entries[node.outputs[0]] = replace(x, value=y, axes=kept)


def convert_pad(b: Builder, node: Node) -> None:
    """Surround with a constant."""
    x = signal(b, node, 0)
    given = constant(b, node, 1)
    attribute = list(node.attributes.get("pads", ()))
    pads = attribute if given is None else folding.integers(given)
    if node.attributes.get("mode", "constant") != "constant":
        raise UnsupportedError(f"mode {node.attributes['mode']} is not supported")
    which = constant(b, node, 3)
    rank = len(x.shape)
    axes = range(rank) if which is None else folding.axes_of(node, which, rank) or ()
    if len(pads) != 2 * len(axes) or min(pads, default=0) < 0:
        raise UnsupportedError(f"pads {pads} must be two for each of {len(axes)} axes, from 0")
    edges = [(0, 0)] * len(x.value.shape)
    for i, axis in enumerate(axes):
        edges[x.axes[axis]] = (pads[i], pads[i + len(axes)])
    filling = constant(b, node, 2)
    if filling is not None and filling.size != 1:
        raise ModelError("the filling must be a single number")
    number = float(filling.ravel()[0]) if filling is not None else _number(node)
    if not x.real and filling is not None:
        raise UnsupportedError("a filling of integers")
    y = padded(b, node, x.value, tuple(edges), number, node.outputs[0])
    b.entries[node.outputs[0]] = replace(x, value=y)


def _number(node: Node) -> float:
    value = node.attributes.get("value", 0.0)
    return value if isinstance(value, float) else 0.0


def padded(
    b: Builder,
    node: Node,
    x: Value,
    edges: tuple[tuple[int, int], ...],
    number: float,
    name: str,
) -> Value:
    """Surround a value with a real number."""
    shape = tuple(n + sum(edge) for n, edge in zip(x.shape, edges, strict=True))
    table = numbers("padding", edges)
    if number == 0.0:
        return moved(b, node, "PAD", (x, table), shape, {}, name)
    if x.dtype == "float32":
        data = np.array([number], np.float32)
    else:
        limits = np.iinfo(x.dtype)
        step = np.rint(np.float32(number) / x.scales[0]) + x.zero_points[0]
        if not limits.min <= step <= limits.max:
            raise UnsupportedError(f"the filling {number:g} is outside the range of its input")
        data = np.array([step], x.dtype)
    filling = replace(x, name="filling", shape=(1,), data=data)
    return moved(b, node, "PADV2", (x, table, filling), shape, {}, name)


def convert_depth_to_space(b: Builder, node: Node) -> None:
    """Channels to blocks of pixels, in the order of depth, row, column ("DCR")."""
    if node.attributes.get("mode", "DCR") != "DCR":
        raise UnsupportedError(f"mode {node.attributes['mode']} is not supported")
    _blocks(b, node, "DEPTH_TO_SPACE")


def convert_space_to_depth(b: Builder, node: Node) -> None:
    """Blocks of pixels to channels."""
    _blocks(b, node, "SPACE_TO_DEPTH")


def _blocks(b: Builder, node: Node, code: str) -> None:
    x = signal(b, node, 0)
    source, block = image(b, x), int(node.attributes.get("blocksize", 0))
    if len(x.shape) != 4 or block < 1:
        raise ModelError(f"blocks of {block} in {x.shape}")
    n, h, w, c = source.shape
    grow = code == "DEPTH_TO_SPACE"
    if (c % (block * block)) if grow else (h % block or w % block):
        raise ModelError(f"{x.shape} does not divide into blocks of {block}")
    by = block * block
    shape = (n, h * block, w * block, c // by) if grow else (n, h // block, w // block, c * by)
    y = moved(b, node, code, (source,), shape, {"block_size": block})
    b.entries[node.outputs[0]] = replace(x, value=y, axes=IMAGE_AXES[4])


def convert_resize(b: Builder, node: Node) -> None:
    """Nearest pixels by positions worked out here; bilinear by the operator of that name."""
    x = signal(b, node, 0)
    source = image(b, x)
    if len(x.shape) != 4:
        raise UnsupportedError(f"an input of {x.shape}")
    size, scale = _new_size(b, node, x.shape)
    mode = node.attributes.get("mode", "nearest")
    how = node.attributes.get("coordinate_transformation_mode", "half_pixel")
    if mode == "nearest" and b.numerics is not None:
        rows, columns = (
            _nearest(node, how, source.shape[1 + i], size[i], scale[i]) for i in (0, 1)
        )
        params = ResizeNearest(rows, columns)
        y = emit(b, "resize_nearest", params, [source], node.outputs[0], source)
        b.entries[node.outputs[0]] = replace(x, value=y, axes=IMAGE_AXES[4])
        return
    if mode not in ("nearest", "linear") or how not in FLAGS:
        raise UnsupportedError(f"mode {mode} with {how}")
    if any(abs(size[i] - source.shape[1 + i] * scale[i]) > 1e-3 for i in (0, 1)):
        raise UnsupportedError(f"scales {scale} that do not lead to whole sizes")
    if mode == "nearest" and not _is_known_nearest(node, how, scale):
        raise UnsupportedError(f"nearest pixels by {how}")
    code = "RESIZE_NEAREST_NEIGHBOR" if mode == "nearest" else "RESIZE_BILINEAR"
    shape = (source.shape[0], *size, source.shape[3])
    inputs = (source, numbers("size", size))
    aligned, half = FLAGS[how]
    options = {"align_corners": aligned, "half_pixel_centers": half}
    b.entries[node.outputs[0]] = Layer(node, code, inputs, shape, IMAGE_AXES[4], options)


def _is_known_nearest(node: Node, how: str, scale: tuple[float, float]) -> bool:
    """Whether the operator of .tflite files takes the same pixels."""
    rounding = node.attributes.get("nearest_mode", "round_prefer_floor")
    if how == "half_pixel":
        return rounding.startswith("round") and all(s == int(s) for s in scale)
    return (how, rounding) in (("asymmetric", "floor"), ("align_corners", "round_prefer_ceil"))


FLAGS = {"align_corners": (1, 0), "asymmetric": (0, 0), "half_pixel": (0, 1)}
"""How coordinates are transformed, as align_corners and half_pixel_centers."""


def _new_size(b: Builder, node: Node, shape: Shape) -> tuple[tuple[int, int], tuple[float, float]]:
    """Return height and width, and how much larger they are: the file says one or the other."""
    sizes = constant(b, node, 3)
    scales = constant(b, node, 2)
    if sizes is not None and sizes.size == 4:
        new = folding.integers(sizes)
        factors = [float(np.float32(n) / np.float32(m)) for n, m in zip(new, shape, strict=True)]
    elif scales is not None and scales.size == 4:
        factors = [float(s) for s in scales.ravel()]
        if not all(0 < s < 1 << 15 for s in factors):
            raise ModelError(f"scales {factors}")
        new = [int(np.floor(np.float32(n) * s)) for n, s in zip(shape, factors, strict=True)]
    else:
        raise UnsupportedError("sizes or scales must be given for all four axes")
    if tuple(new[:2]) != shape[:2] or min(new) < 1 or max(new) > 1 << 15:
        raise UnsupportedError(f"from {shape} to {tuple(new)}")
    return (new[2], new[3]), (factors[2], factors[3])


def _nearest(node: Node, how: str, before: int, after: int, factor: float) -> AnyArray:
    """Return the position that each new pixel is taken from."""
    f32 = np.float32
    at = np.arange(after).astype(f32)
    scale = f32(factor)
    places = {
        "asymmetric": at / scale,
        "half_pixel": (at + f32(0.5)) / scale - f32(0.5),
        "align_corners": at * f32(before - 1) / f32(max(after - 1, 1)),
        "pytorch_half_pixel": (at + f32(0.5)) / scale - f32(0.5) if after > 1 else at * f32(0),
    }
    if how not in places:
        raise UnsupportedError(f"coordinate_transformation_mode {how}")
    x = places[how].astype(f32)
    rounding = node.attributes.get("nearest_mode", "round_prefer_floor")
    nearest = {
        "ceil": np.ceil(x),
        "floor": np.floor(x),
        "round_prefer_ceil": np.floor(x + f32(0.5)),
        "round_prefer_floor": np.ceil(x - f32(0.5)),
    }
    if rounding not in nearest:
        raise UnsupportedError(f"nearest_mode {rounding}")
    positions: AnyArray = np.clip(nearest[rounding], 0, before - 1).astype(np.int32)
    return positions

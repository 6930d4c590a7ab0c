"""What the tensors of an .onnx file stand for while a graph is assembled, and how they are stored.

ONNX keeps images channels first; the kernels want channels last. Instead of moving data, a signal
remembers in which order its axes are stored. A Transpose of the file costs nothing then, and bytes
move only where an operator needs another order than the one it finds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qembed.errors import ModelError, QembedError, UnsupportedError
from qembed.floats import FLOAT_OPERATORS
from qembed.importers.onnx import float32, integers
from qembed.importers.onnx.reader import Node
from qembed.importers.tflite.convert import Assembly, append, place
from qembed.importers.tflite.floats import FLOAT_CONVERTERS
from qembed.importers.tflite.values import Step
from qembed.ir import AnyArray, Shape
from qembed.numerics import ACTIVATION_LIMITS, Ends, Numerics
from qembed.ops import OPERATORS
from qembed.ops.concatenation import Concatenation
from qembed.ops.gather import Gather
from qembed.ops.reshape import Reshape
from qembed.ops.transpose import Transpose
from qembed.tflite.reader import Operator, Value

NO_SCALES = np.zeros(0, np.float32)
NO_ZERO_POINTS = np.zeros(0, np.int64)
EVERYTHING: Ends = (None, None)


@dataclass(frozen=True, slots=True, eq=False)
class Signal:
    """A tensor of the file.

    Attributes
    ----------
    value : Value
        What is stored. uint8 of the file is stored as int8, both zero points less 128.
    axes : tuple of int
        Stored axis of each axis of the file's tensor. Further stored axes have size 1.
    real : bool
        True: the file's tensor holds the real numbers that the value stands for. False: the
        integers themselves.
    unsigned : bool
        The file has uint8 where int8 is stored.
    """

    value: Value
    axes: tuple[int, ...]
    real: bool = False
    unsigned: bool = False

    @property
    def shape(self) -> Shape:
        """Of the file's tensor."""
        return tuple(self.value.shape[axis] for axis in self.axes)

    @property
    def is_float(self) -> bool:
        """Whether real numbers are stored, rather than integers that stand for some."""
        return self.value.dtype == "float32"


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """A signal reshaped to (first axis, all others), while its bytes lie in another order."""

    source: Signal
    shape: Shape


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """An operator on real numbers that waits: a QuantizeLinear behind it says what it computes.

    Attributes
    ----------
    node : Node
        To be named in complaints.
    code : str
        The same as an operator of a .tflite file, or a key of `float32.UNARY`.
    inputs : tuple of Value
        In the order of axes that the operator wants.
    shape, axes
        Of the output: stored shape, and as in `Signal`.
    options : mapping
        Of the operator, without "activation".
    ends : (float or None, float or None)
        Clamp of the output, from the activations behind the operator.
    unsigned : bool
        Whether the file's operands are uint8.
    """

    node: Node
    code: str
    inputs: tuple[Value | None, ...]
    shape: Shape
    axes: tuple[int, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    ends: Ends = EVERYTHING
    unsigned: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """What a QuantizeLinear or DequantizeLinear says: type as stored, scales, zero points."""

    dtype: str
    unsigned: bool
    scales: NDArray[np.float32]
    zero_points: NDArray[np.int64]
    axis: int

    @property
    def per_axis(self) -> bool:
        """Whether there are several scales."""
        return self.scales.size > 1


Entry = Signal | Rows | Layer


@dataclass(slots=True)
class Builder:
    """The graph while it grows.

    Attributes
    ----------
    numerics : Numerics, optional
        None: the graph is one of real numbers.
    opset : int
    constants : dict of str to ndarray
        Tensors of the file whose numbers are known.
    refused, narrow
        As in `reader.Model`.
    assembly : Assembly
    entries : dict of str to Signal, Rows or Layer
        The other tensors.
    arranged : dict
        Values that were stored in another order before, with what was made of them.
    current : Node, optional
        The node at work, to be named in complaints.
    """

    numerics: Numerics | None
    opset: int
    constants: dict[str, AnyArray]
    refused: Mapping[str, str]
    narrow: set[str]
    assembly: Assembly
    entries: dict[str, Entry] = field(default_factory=dict)
    arranged: dict[tuple[int, tuple[int | None, ...]], Value] = field(default_factory=dict)
    current: Node | None = None


def make_builder(
    numerics: Numerics | None,
    opset: int,
    constants: Mapping[str, AnyArray],
    refused: Mapping[str, str],
    narrow: frozenset[str],
) -> Builder:
    """Return a builder of an empty graph."""
    operators = FLOAT_OPERATORS if numerics is None else OPERATORS
    return Builder(numerics, opset, dict(constants), refused, set(narrow), Assembly(operators))


def constant(b: Builder, node: Node, index: int) -> AnyArray | None:
    """Input number `index` of a node, which must be a constant; None if the file leaves it out."""
    name = node.inputs[index] if index < len(node.inputs) else ""
    if not name:
        return None
    if name in b.refused:
        raise UnsupportedError(f"input '{name}': {b.refused[name]}")
    if name not in b.constants:
        raise UnsupportedError(f"input '{name}' must be a constant")
    return b.constants[name]


def entry(b: Builder, node: Node, index: int) -> Entry:
    """Input number `index` of a node, which must be there; a constant becomes a signal."""
    name = node.inputs[index] if index < len(node.inputs) else ""
    if not name:
        raise ModelError(f"input {index} is missing")
    if name in b.refused:
        raise UnsupportedError(f"input '{name}': {b.refused[name]}")
    if name in b.constants:
        return _constant_signal(name, b.constants[name])
    if name not in b.entries:
        raise ModelError(f"input '{name}' is not computed before it is used")
    return b.entries[name]


def _constant_signal(name: str, data: AnyArray) -> Signal:
    real = data.dtype.kind == "f"
    stored = data.astype(np.float32) if real else data
    unsigned = data.dtype == np.uint8
    if unsigned:
        stored = (data.astype(np.int16) - 128).astype(np.int8)
    value = Value(name, stored.shape, stored.dtype.name, NO_SCALES, NO_ZERO_POINTS, data=stored)
    return Signal(value, tuple(range(stored.ndim)), real, unsigned)


def signal(b: Builder, node: Node, index: int) -> Signal:
    """Input number `index` as something stored: a layer that waits for its scale cannot be."""
    found = entry(b, node, index)
    if isinstance(found, Rows):
        return settled(b, found)
    if isinstance(found, Layer):
        return finished_real(b, found, node.inputs[index])
    return found


def real_signal(b: Builder, node: Node, index: int) -> Signal:
    """Input number `index`, which must hold real numbers."""
    found = signal(b, node, index)
    if not found.real:
        raise UnsupportedError(f"input '{node.inputs[index]}' must come from a DequantizeLinear")
    return found


def emit(
    b: Builder, stem: str, params: Any, inputs: Sequence[Value], name: str, like: Value
) -> Value:
    """Append a node with one output and return that, with the scale of `like`.

    What it would compute from constants alone is computed here.
    """
    if all(value.data is not None for value in inputs):
        data = OPERATORS[stem].reference(params, *(value.data for value in inputs))
        return replace(like, name=name, shape=data.shape, data=data)
    tensors = [b.assembly.tensors[place(b.assembly, value)] for value in inputs]
    ((shape, dtype),) = b.assembly.operators[stem].infer(params, *tensors)
    y = replace(like, name=name, shape=tuple(shape), dtype=dtype, data=None)
    append(b.assembly, Step(stem, params, tuple(inputs), (y,)))
    return y


def stored(b: Builder, given: Signal, order: Sequence[int | None]) -> Value:
    """Return the value of a signal with its axes in another order.

    Parameters
    ----------
    order : sequence of int or None
        For each stored axis the file's axis that it shall be; None: an axis of size 1.
    """
    value = given.value
    shape = tuple(1 if axis is None else given.shape[axis] for axis in order)
    wanted = [given.axes[axis] for axis in order if axis is not None]
    rest = [axis for axis in range(len(value.shape)) if axis not in wanted]
    long = [axis for axis in wanted if value.shape[axis] > 1]
    key = (id(value), (*wanted, None, *shape))
    if key not in b.arranged:
        moved = value
        if long != sorted(long):
            permutation = Transpose((*wanted, *rest))
            moved = emit(b, "transpose", permutation, [value], f"{value.name}/order", value)
        if moved.shape != shape:
            moved = emit(b, "reshape", Reshape(shape), [moved], f"{value.name}/shape", moved)
        b.arranged[key] = moved
    return b.arranged[key]


def natural(b: Builder, given: Signal) -> Value:
    """Return the value of a signal in the file's own order and shape."""
    return stored(b, given, range(len(given.shape)))


def image(b: Builder, given: Signal) -> Value:
    """Return the value of an NCHW or NCW signal as NHWC."""
    order = {3: (0, None, 2, 1), 4: (0, 2, 3, 1)}
    if len(given.shape) not in order:
        raise UnsupportedError(f"an input of {len(given.shape)} dimensions; must have 3 or 4")
    return stored(b, given, order[len(given.shape)])


def repeated(b: Builder, x: Value, count: int, groups: int = 1) -> Value:
    """Return `x` with every group of its last axis several times side by side.

    With weights cut into parts that int8 holds, its products sum up to those of the whole weights.
    """
    if count == 1:
        return x
    axis, name = len(x.shape) - 1, f"{x.name}/repeated"
    if groups == 1:
        return emit(b, "concatenation", Concatenation(axis), [x] * count, name, x)
    channels = np.arange(x.shape[axis], dtype=np.int32).reshape(groups, 1, -1)
    picked = np.repeat(channels, count, axis=1).reshape(-1)
    return emit(b, "gather", Gather(axis, picked), [x], name, x)


IMAGE_AXES = {3: (0, 3, 2), 4: (0, 3, 1, 2)}
"""By the file's number of dimensions: where NHWC keeps its axes."""


def settled(b: Builder, rows: Rows) -> Signal:
    """Return rows with their bytes in order."""
    value = natural(b, rows.source)
    flat = emit(b, "reshape", Reshape(rows.shape), [value], f"{value.name}/rows", value)
    axes = tuple(range(len(rows.shape)))
    return replace(rows.source, value=flat, axes=axes)


def _operator(b: Builder, layer: Layer, y: Value) -> Operator:
    """Return the operator of a .tflite file that a layer is."""
    b.current = layer.node
    names = {ends: name for name, ends in ACTIVATION_LIMITS.items()}
    options = {
        **layer.options,
        "activation": names.get(layer.ends, layer.ends),
        "unsigned": layer.unsigned,
    }
    return Operator(layer.code, layer.node.index, options, layer.inputs, (y,))


def finished(b: Builder, layer: Layer, grid: Grid, name: str) -> Signal:
    """Append what a layer is in integers, its output on `grid`."""
    assert b.numerics is not None
    if grid.per_axis:
        raise UnsupportedError("the output has several scales, must have one")
    y = Value(name, layer.shape, grid.dtype, grid.scales, grid.zero_points)
    convert = float32.convert if b.numerics.in_float32 else integers.convert
    for step in convert(_operator(b, layer, y), b.numerics):
        append(b.assembly, step)
    return Signal(y, layer.axes, False, grid.unsigned)


def finished_real(b: Builder, layer: Layer, name: str) -> Signal:
    """Append what a layer is in real numbers; only a graph of real numbers has such."""
    b.current = layer.node
    if b.numerics is not None:
        raise UnsupportedError("computes real numbers: no QuantizeLinear follows")
    if layer.code not in FLOAT_CONVERTERS:
        raise UnsupportedError("has no form in real numbers")
    y = Value(name, layer.shape, "float32", NO_SCALES, NO_ZERO_POINTS)
    for step in FLOAT_CONVERTERS[layer.code](_operator(b, layer, y)):
        append(b.assembly, step)
    done = Signal(y, layer.axes, True)
    b.entries[name] = done
    return done


def complaint(b: Builder, error: QembedError) -> tuple[str, QembedError]:
    """Say where an error happened."""
    node = b.current
    assert node is not None
    output = f" computing '{node.outputs[0]}'" if node.outputs else ""
    return f"{node.code} (node {node.index}{output})", error

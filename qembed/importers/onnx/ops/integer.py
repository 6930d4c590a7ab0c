"""ConvInteger, MatMulInteger, DynamicQuantizeLinear: integers whose scale is found when running."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from qembed.errors import ModelError, UnsupportedError
from qembed.importers.onnx.ops.layers import padding_of, pair, whole_parts
from qembed.importers.onnx.reader import Node
from qembed.importers.onnx.signals import (
    IMAGE_AXES,
    NO_SCALES,
    NO_ZERO_POINTS,
    Builder,
    Signal,
    constant,
    emit,
    image,
    natural,
    real_signal,
    repeated,
    signal,
)
from qembed.importers.tflite.convert import append
from qembed.importers.tflite.values import Step
from qembed.ops.conv_integer import ConvInteger
from qembed.ops.dynamic_quantize import DynamicQuantize
from qembed.ops.matmul_integer import MatmulInteger
from qembed.ops.reshape import Reshape
from qembed.tflite.reader import Value

UNSCALED = Value("", (), "int32", NO_SCALES, NO_ZERO_POINTS)


def convert_conv(b: Builder, node: Node) -> None:
    """Weights and their zero points must be constants; the input's zero point need not be."""
    x, given = _integers(b, node, 0), constant(b, node, 1)
    spatial = len(x.shape) - 2
    if given is None or spatial not in (1, 2) or given.ndim != spatial + 2:
        raise UnsupportedError(f"an input {x.shape}; 1-D and 2-D images and weights are known")
    point = constant(b, node, 3)
    points = np.zeros(1, np.int16) if point is None else point.reshape(-1).astype(np.int16)
    if points.size not in (1, given.shape[0]):
        raise ModelError(f"{points.size} zero points for {given.shape[0]} filters")
    whole = given.astype(np.int16) - points.reshape(-1, *(1,) * (given.ndim - 1))
    filters = whole.reshape(*whole.shape[:2], *((1,) if spatial == 1 else ()), *whole.shape[2:])
    parts = whole_parts(filters.transpose(0, 2, 3, 1), -128, 127)
    groups = int(node.attributes.get("group", 1))
    if groups < 1 or filters.shape[1] * groups != x.shape[1]:
        raise ModelError(f"weights {given.shape} do not fit {x.shape[1]} channels")
    source = repeated(b, image(b, x), len(parts), groups)
    weights = np.concatenate(parts, axis=3)
    window = (weights.shape[1], weights.shape[2])
    stride, dilation = pair(node, "strides", spatial), pair(node, "dilations", spatial)
    size = (source.shape[1], source.shape[2])
    padding = padding_of(node, size, window, stride, dilation, spatial)
    params = ConvInteger(weights, stride, padding, dilation)
    inputs = [source, _zero_point(b, node, 2, x)]
    y = emit(b, "conv_integer", params, inputs, node.outputs[0], UNSCALED)
    b.entries[node.outputs[0]] = Signal(y, IMAGE_AXES[len(x.shape)])


def convert_matmul(b: Builder, node: Node) -> None:
    """Return a product of two matrices, or stacks of them."""
    one, other = _integers(b, node, 0), _integers(b, node, 1)
    inputs = [
        natural(b, one),
        natural(b, other),
        _zero_point(b, node, 2, one),
        _zero_point(b, node, 3, other),
    ]
    y = emit(b, "matmul_integer", MatmulInteger(), inputs, node.outputs[0], UNSCALED)
    b.entries[node.outputs[0]] = Signal(y, tuple(range(len(y.shape))))


def _integers(b: Builder, node: Node, index: int) -> Signal:
    found = signal(b, node, index)
    if found.real or found.value.dtype != "int8":
        raise UnsupportedError(f"input '{node.inputs[index]}' must be int8 or uint8")
    return found


def _zero_point(b: Builder, node: Node, index: int, of: Signal) -> Value:
    """Return the zero point of an operand as one stored value; 0 where the file leaves it out."""
    if index >= len(node.inputs) or not node.inputs[index]:
        number = np.array(-128 if of.unsigned else 0, np.int8)
        return replace(UNSCALED, name="zero point", dtype="int8", data=number)
    found = _integers(b, node, index)
    if found.unsigned != of.unsigned or found.value.shape not in ((), (1,)):
        raise UnsupportedError(
            f"zero point '{node.inputs[index]}' must be one value of its operand's type"
        )
    if found.value.shape == ():
        return found.value
    return emit(b, "reshape", Reshape(()), [found.value], f"{found.value.name}/one", found.value)


def convert_dynamic_quantize(b: Builder, node: Node) -> None:
    """Return numbers of uint8, their scale and their zero point."""
    x = real_signal(b, node, 0)
    if not x.is_float:
        raise UnsupportedError("an input that is quantized already")
    if len(node.outputs) != 3:
        raise ModelError(f"has {len(node.outputs)} outputs instead of three")
    like = replace(UNSCALED, dtype="int8")
    outputs = (
        replace(like, name=node.outputs[0], shape=x.value.shape),
        replace(UNSCALED, name=node.outputs[1], dtype="float32"),
        replace(like, name=node.outputs[2]),
    )
    append(b.assembly, Step("dynamic_quantize", DynamicQuantize(), (x.value,), outputs))
    b.entries[node.outputs[0]] = Signal(outputs[0], x.axes, False, True)
    b.entries[node.outputs[1]] = Signal(outputs[1], (), True)
    b.entries[node.outputs[2]] = Signal(outputs[2], (), False, True)

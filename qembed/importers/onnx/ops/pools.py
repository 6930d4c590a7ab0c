"""Pooling, reductions and softmax: many values to one, along some axes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from qembed.errors import ModelError, UnsupportedError
from qembed.importers.onnx.folding import axes_of
from qembed.importers.onnx.ops.layers import padding_of, pair
from qembed.importers.onnx.ops.moves import moved, padded
from qembed.importers.onnx.reader import Node
from qembed.importers.onnx.signals import (
    IMAGE_AXES,
    NO_SCALES,
    NO_ZERO_POINTS,
    Builder,
    Layer,
    Signal,
    constant,
    image,
    real_signal,
    signal,
    stored,
)
from qembed.ir import Padding2D
from qembed.ops._windows import output_size
from qembed.tflite.reader import Value


def _window(node: Node, x: Value, spatial: int) -> tuple[dict[str, Any], Padding2D]:
    """Return options of a pooling window over an NHWC value, and its padding."""
    if pair(node, "dilations", spatial) != (1, 1):
        raise UnsupportedError("dilations other than 1 are not supported")
    if "kernel_shape" not in node.attributes:
        raise ModelError("attribute kernel_shape is missing")
    window, stride = pair(node, "kernel_shape", spatial), pair(node, "strides", spatial)
    size = (x.shape[1], x.shape[2])
    padding = padding_of(node, size, window, stride, (1, 1), spatial)
    if node.attributes.get("ceil_mode"):
        padding = _raised(size, window, stride, padding)
    options = {
        "padding": padding,
        "filter_h": window[0],
        "filter_w": window[1],
        "stride_h": stride[0],
        "stride_w": stride[1],
    }
    return options, padding


def _raised(
    size: tuple[int, int], window: tuple[int, int], stride: tuple[int, int], padding: Padding2D
) -> Padding2D:
    """Pad so that the last, incomplete window counts; it must begin before the padding behind."""
    edges = []
    for n, k, s, (before, after) in zip(size, window, stride, padding, strict=True):
        room = n + before + after - k
        count = -(-room // s)
        if count * s >= n + before:
            count -= 1
        edges.append((before, after + max(count * s - room, 0)))
    return edges[0], edges[1]


def convert_max(b: Builder, node: Node) -> None:
    """Largest of raw values: dequantizing keeps their order."""
    if len(node.outputs) > 1 and node.outputs[1]:
        raise UnsupportedError("the output with positions is not supported")
    x = signal(b, node, 0)
    source = image(b, x)
    options, padding = _window(node, source, len(x.shape) - 2)
    window = (options["filter_h"], options["filter_w"])
    stride = (options["stride_h"], options["stride_w"])
    size = output_size(source.shape, window, stride, (1, 1), padding)
    shape = (source.shape[0], *size, source.shape[3])
    y = moved(b, node, "MAX_POOL_2D", (source,), shape, options)
    b.entries[node.outputs[0]] = replace(x, value=y, axes=IMAGE_AXES[len(x.shape)])


def convert_average(b: Builder, node: Node) -> None:
    """Add padding that counts before the layer; leave to the layer what does not."""
    x = real_signal(b, node, 0)
    source = image(b, x)
    options, padding = _window(node, source, len(x.shape) - 2)
    if padding != _window(_floored(node), source, len(x.shape) - 2)[1]:
        raise UnsupportedError("ceil_mode with an incomplete window is not supported")
    window = (options["filter_h"], options["filter_w"])
    stride = (options["stride_h"], options["stride_w"])
    size = output_size(source.shape, window, stride, (1, 1), padding)
    options["counts_padding"] = bool(node.attributes.get("count_include_pad")) and any(
        map(any, padding)
    )
    if options["counts_padding"]:
        source = padded(b, node, source, ((0, 0), *padding, (0, 0)), 0.0, f"{source.name}/padded")
        options["padding"] = ((0, 0), (0, 0))
    shape = (source.shape[0], *size, source.shape[3])
    b.entries[node.outputs[0]] = Layer(
        node, "AVERAGE_POOL_2D", (source,), shape, IMAGE_AXES[len(x.shape)], options
    )


def _floored(node: Node) -> Node:
    return replace(node, attributes={**node.attributes, "ceil_mode": 0})


REDUCE = {
    "GlobalAveragePool": "MEAN",
    "GlobalMaxPool": "REDUCE_MAX",
    "ReduceMax": "REDUCE_MAX",
    "ReduceMean": "MEAN",
    "ReduceMin": "REDUCE_MIN",
    "ReduceSum": "SUM",
}


def convert_global(b: Builder, node: Node) -> None:
    """Reduce all but the first two axes; they stay with size 1."""
    x = real_signal(b, node, 0)
    _reduce(b, node, x, tuple(range(2, len(x.shape))), True)


def convert_reduce(b: Builder, node: Node) -> None:
    """Reduce the axes given, or all."""
    x = real_signal(b, node, 0)
    axes = axes_of(node, constant(b, node, 1), len(x.shape))
    if not axes:
        if node.attributes.get("noop_with_empty_axes"):
            b.entries[node.outputs[0]] = x
            return
        axes = tuple(range(len(x.shape)))
    _reduce(b, node, x, axes, bool(node.attributes.get("keepdims", 1)))


def _reduce(b: Builder, node: Node, x: Signal, axes: tuple[int, ...], keep: bool) -> None:
    """Axes that the file drops stay in storage with size 1."""
    places = sorted(x.axes[axis] for axis in axes)
    numbers = np.array(places, np.int32)
    which = Value("axes", numbers.shape, "int32", NO_SCALES, NO_ZERO_POINTS, data=numbers)
    shape = tuple(1 if axis in places else n for axis, n in enumerate(x.value.shape))
    kept = tuple(place for axis, place in enumerate(x.axes) if keep or axis not in axes)
    is_global = node.code == "GlobalAveragePool"
    b.entries[node.outputs[0]] = Layer(
        node,
        REDUCE[node.code],
        (x.value, which),
        shape,
        kept,
        {"keep_dims": 1, "is_global": is_global},
    )


def convert_softmax(b: Builder, node: Node) -> None:
    """Along the axis that is stored last, which is brought there if it is not."""
    x = real_signal(b, node, 0)
    rank = len(x.shape)
    flattens = b.opset < 13
    axis = int(node.attributes.get("axis", 1 if flattens else -1))
    if not -rank <= axis < rank:
        raise ModelError(f"axis {axis} is not among the {rank} dimensions")
    axis %= rank
    if flattens and any(n > 1 for n in x.shape[axis + 1 :]):
        raise UnsupportedError("a softmax over several axes is not supported")
    last = len(x.value.shape) - 1
    if x.axes[axis] == last:
        value, axes = x.value, x.axes
    else:
        order = [i for i in range(rank) if i != axis] + [axis]
        value, axes = stored(b, x, order), tuple(order.index(i) for i in range(rank))
    code = "SOFTMAX" if node.code == "Softmax" else "LOG_SOFTMAX"
    b.entries[node.outputs[0]] = Layer(
        node, code, (value,), value.shape, axes, {"beta": 1.0}, unsigned=x.unsigned
    )

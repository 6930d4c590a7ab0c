"""Layers that sum products: Conv, ConvTranspose, Gemm, MatMul; BatchNormalization behind one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from qembed.errors import ModelError, UnsupportedError
from qembed.importers.onnx.reader import Node
from qembed.importers.onnx.signals import (
    EVERYTHING,
    IMAGE_AXES,
    NO_SCALES,
    NO_ZERO_POINTS,
    Builder,
    Layer,
    Rows,
    Signal,
    constant,
    entry,
    image,
    natural,
    real_signal,
    repeated,
)
from qembed.importers.tflite.values import contents
from qembed.ir import AnyArray, Padding2D
from qembed.numerics import window_padding
from qembed.ops._windows import output_size
from qembed.tflite.reader import Value

LIMITS = {"int8": (-128, 127), "int4": (-8, 7)}


def pair(node: Node, name: str, spatial: int, default: int = 1) -> tuple[int, int]:
    """Return an attribute with one number a spatial axis as (height, width)."""
    given = tuple(node.attributes.get(name, (default,) * spatial))
    if len(given) != spatial:
        raise ModelError(f"attribute {name} is {given}, must have {spatial} numbers")
    return (1, given[0]) if spatial == 1 else (given[0], given[1])


def padding_of(
    node: Node,
    size: tuple[int, int],
    window: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    spatial: int,
) -> Padding2D:
    """Return pads or auto_pad of a node as ((top, bottom), (left, right))."""
    mode = node.attributes.get("auto_pad", "NOTSET")
    if mode in ("SAME_UPPER", "SAME_LOWER", "VALID"):
        scheme = "VALID" if mode == "VALID" else "SAME"
        both = [
            window_padding(scheme, *each)
            for each in zip(size, window, stride, dilation, strict=True)
        ]
        edges = [
            (after, before) if mode == "SAME_LOWER" else (before, after) for before, after in both
        ]
        return edges[0], edges[1]
    pads = tuple(node.attributes.get("pads", (0,) * (2 * spatial)))
    if mode != "NOTSET" or len(pads) != 2 * spatial or min(pads, default=0) < 0:
        raise UnsupportedError(f"auto_pad {mode} with pads {pads}")
    if spatial == 1:
        return (0, 0), (pads[0], pads[1])
    return (pads[0], pads[2]), (pads[1], pads[3])


def convert_conv(b: Builder, node: Node) -> None:
    """Weights OIHW to OHWI, or to 1HWO where every channel has filters of its own."""
    x, w = real_signal(b, node, 0), _weights_signal(b, node)
    spatial = len(x.shape) - 2
    if spatial not in (1, 2) or len(w.shape) != spatial + 2:
        raise UnsupportedError(f"an input {x.shape} with weights {w.shape}; 1-D and 2-D are known")
    groups = int(node.attributes.get("group", 1))
    filters = contents(w.value).reshape(*w.shape[:2], *((1,) if spatial == 1 else ()), *w.shape[2:])
    out_c, depth, kh, kw = filters.shape
    if groups < 1 or depth * groups != x.shape[1] or out_c % groups:
        raise ModelError(f"weights {w.shape} do not fit {x.shape[1]} channels in {groups} groups")
    parts = _parts(w, filters.transpose(0, 2, 3, 1), 0)
    depthwise = depth == 1 and groups > 1 and len(parts) == 1
    if depthwise:
        parts = _parts(w, filters.transpose(1, 2, 3, 0), 3)
    source = repeated(b, image(b, x), len(parts), groups)
    weights = _joined(parts, 3) if len(parts) > 1 else parts[0]
    stride, dilation = pair(node, "strides", spatial), pair(node, "dilations", spatial)
    padding = padding_of(
        node, (source.shape[1], source.shape[2]), (kh, kw), stride, dilation, spatial
    )
    size = output_size(source.shape, (kh, kw), stride, dilation, padding)
    options = {
        "padding": padding,
        "stride_h": stride[0],
        "stride_w": stride[1],
        "dilation_h": dilation[0],
        "dilation_w": dilation[1],
        "depth_multiplier": out_c // groups,
    }
    b.entries[node.outputs[0]] = Layer(
        node,
        "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D",
        (source, weights, _bias(b, node, x, w, out_c)),
        (source.shape[0], *size, out_c),
        IMAGE_AXES[len(x.shape)],
        options,
    )


def convert_conv_transpose(b: Builder, node: Node) -> None:
    """Weights IOHW to OHWI; the output's size follows from stride, pads and output padding."""
    x, w = real_signal(b, node, 0), _weights_signal(b, node)
    if len(x.shape) != 4 or len(w.shape) != 4 or node.attributes.get("group", 1) != 1:
        raise UnsupportedError("only 2-D images in one group are known")
    if pair(node, "dilations", 2) != (1, 1):
        raise UnsupportedError("dilations other than 1 are not supported")
    depth, out_c, kh, kw = w.shape
    if depth != x.shape[1]:
        raise ModelError(f"weights {w.shape} do not fit {x.shape[1]} channels")
    (weights,) = _only(w, contents(w.value).transpose(1, 2, 3, 0), 0)
    source, stride = image(b, x), pair(node, "strides", 2)
    size, offset = _transposed_geometry(node, (source.shape[1], source.shape[2]), (kh, kw), stride)
    shape = (source.shape[0], *size, out_c)
    wanted = np.array(shape, np.int32)
    length = Value("output shape", (4,), "int32", NO_SCALES, NO_ZERO_POINTS, data=wanted)
    b.entries[node.outputs[0]] = Layer(
        node,
        "TRANSPOSE_CONV",
        (length, weights, source, _bias(b, node, x, w, out_c)),
        shape,
        IMAGE_AXES[4],
        {
            "padding": tuple((edge, edge) for edge in offset),
            "stride_h": stride[0],
            "stride_w": stride[1],
        },
    )


def _transposed_geometry(
    node: Node, size: tuple[int, int], window: tuple[int, int], stride: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return size of the output, and how much is cut off before it."""
    if node.attributes.get("auto_pad", "NOTSET") != "NOTSET" or "output_shape" in node.attributes:
        raise UnsupportedError("auto_pad and output_shape are not supported; give pads")
    extra = pair(node, "output_padding", 2, 0)
    padding = padding_of(node, size, window, stride, (1, 1), 2)
    height, width = (
        stride[i] * (size[i] - 1) + extra[i] + window[i] - sum(padding[i]) for i in (0, 1)
    )
    if min(height, width) < 1:
        raise ModelError(f"the output would have the size {height} x {width}")
    return (height, width), (padding[0][0], padding[1][0])


def convert_gemm(b: Builder, node: Node) -> None:
    """Return A * B + C with constant B, as a fully connected layer."""
    attributes = node.attributes
    if attributes.get("transA") or any(attributes.get(k, 1.0) != 1.0 for k in ("alpha", "beta")):
        raise UnsupportedError("transA, and alpha or beta other than 1, are not supported")
    w = _weights_signal(b, node)
    if len(w.shape) != 2:
        raise ModelError(f"weights {w.shape} must have two dimensions")
    _connect(b, node, w, bool(attributes.get("transB")))


def convert_matmul(b: Builder, node: Node) -> None:
    """Return a fully connected layer if B is a constant matrix, else a product of activations."""
    right = real_signal(b, node, 1)
    if right.value.data is not None and len(right.shape) == 2:
        _connect(b, node, right, False)
        return
    left = real_signal(b, node, 0)
    if min(len(left.shape), len(right.shape)) < 2:
        raise UnsupportedError(f"a product of {left.shape} and {right.shape}")
    x1, x2 = natural(b, left), natural(b, right)
    try:
        batch = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    except ValueError:
        raise ModelError(f"{left.shape} and {right.shape} cannot be multiplied") from None
    shape = (*batch, left.shape[-2], right.shape[-1])
    b.entries[node.outputs[0]] = Layer(
        node, "BATCH_MATMUL", (x1, x2), shape, tuple(range(len(shape))), {"adj_x": 0, "adj_y": 0}
    )


def _connect(b: Builder, node: Node, w: Signal, transposed: bool) -> None:
    """Make a fully connected layer of weights (K, O), or (O, K) if `transposed`."""
    matrix = contents(w.value) if transposed else contents(w.value).T
    axis = 0 if transposed else 1
    if w.value.scales.size > 1 and w.value.axis != axis:
        raise UnsupportedError(f"weights '{w.value.name}' have a scale for each row of the input")
    given = entry(b, node, 0)
    columns: slice | NDArray[np.int64] = slice(None)
    if isinstance(given, Rows):
        x, source = given.source, given.source.value
        columns = _columns(given)
        leading = given.shape[:-1]
    else:
        x = real_signal(b, node, 0)
        source, leading = natural(b, x), x.shape[:-1]
    depth = matrix.shape[1]
    if math.prod(source.shape) != math.prod(leading) * depth or not leading:
        raise ModelError(f"weights {w.shape} do not fit an input of {source.shape}")
    parts = _parts(w, matrix[:, columns], 0)
    if len(parts) > 1:
        source = natural(b, real_signal(b, node, 0))
        source = repeated(b, source, len(parts))
        parts = [_joined(_parts(w, matrix, 0), 1)]
    shape = (*leading, matrix.shape[0])
    b.entries[node.outputs[0]] = Layer(
        node,
        "FULLY_CONNECTED",
        (source, parts[0], _bias(b, node, x, w, matrix.shape[0])),
        shape,
        tuple(range(len(shape))),
        {"weights_format": 0},
    )


def _columns(rows: Rows) -> NDArray[np.int64]:
    """Return for each stored value of a sample its position in the file's order."""
    source = rows.source
    inner = np.arange(math.prod(source.shape[1:])).reshape(source.shape[1:])
    order = sorted(range(1, len(source.axes)), key=lambda axis: source.axes[axis])
    positions: NDArray[np.int64] = inner.transpose([axis - 1 for axis in order]).reshape(-1)
    return positions


def _weights_signal(b: Builder, node: Node) -> Signal:
    w = real_signal(b, node, 1)
    if w.value.data is None:
        raise UnsupportedError(f"weights '{node.inputs[1]}' must be a constant")
    if b.numerics is not None and w.is_float:
        raise UnsupportedError(f"weights '{node.inputs[1]}' are not quantized")
    return w


def _only(w: Signal, arranged: AnyArray, axis: int) -> list[Value]:
    parts = _parts(w, arranged, axis)
    if len(parts) > 1:
        raise UnsupportedError(f"weights '{w.value.name}' less their zero point need 9 bits")
    return parts


def _parts(w: Signal, arranged: AnyArray, axis: int) -> list[Value]:
    """Weights without zero points, as a sum of values that int8 (int4) holds; mostly one.

    Parameters
    ----------
    arranged : ndarray
        The weights, axes in the order of the layer.
    axis : int
        Of the output channels there.
    """
    value = replace(w.value, axis=axis, shape=arranged.shape)
    if w.is_float:
        return [replace(value, data=np.ascontiguousarray(arranged))]
    if not value.scales.size:
        raise UnsupportedError(f"weights '{w.value.name}' have no scale")
    low, high = LIMITS[value.dtype]
    along = [-1 if i == axis and value.zero_points.size > 1 else 1 for i in range(arranged.ndim)]
    rest = arranged.astype(np.int16) - value.zero_points.reshape(along).astype(np.int16)
    if value.dtype == "int4" and (rest.min() < low or rest.max() > high):
        value, (low, high) = replace(value, dtype="int8"), LIMITS["int8"]
    points = np.zeros_like(value.zero_points)
    return [replace(value, data=part, zero_points=points) for part in whole_parts(rest, low, high)]


def whole_parts(weights: AnyArray, low: int, high: int) -> list[NDArray[np.int8]]:
    """Write integers as a sum of such that lie in [low, high]: one term where they do already."""
    parts: list[NDArray[np.int8]] = []
    while not parts or np.any(weights):
        part = np.clip(weights, low, high)
        weights = weights - part
        parts.append(np.ascontiguousarray(part.astype(np.int8)))
    return parts


def _joined(parts: Sequence[Value], axis: int) -> Value:
    data = np.concatenate([part.data for part in parts if part.data is not None], axis=axis)
    return replace(parts[0], data=data, shape=data.shape)


def _bias(b: Builder, node: Node, x: Signal, w: Signal, channels: int) -> Value | None:
    """Return input number 2, if the file has it: int32 with scales, or real numbers."""
    if len(node.inputs) <= 2 or not node.inputs[2]:
        return None
    found = real_signal(b, node, 2)
    data = found.value.data
    if data is None or data.size not in (1, channels):
        raise UnsupportedError(f"bias '{node.inputs[2]}' must be a constant with {channels} values")
    data = np.broadcast_to(data.reshape(-1), (channels,))
    value = replace(found.value, data=data.copy(), shape=(channels,), axis=0)
    if b.numerics is None or not found.is_float:
        return value
    # A bias that the file leaves real, in steps of the accumulator.
    scales = (x.value.scales[:1] * w.value.scales).astype(np.float32)
    steps = np.clip(np.rint(data / scales), -(2.0**31), 2.0**31 - 1).astype(np.int32)
    return replace(value, dtype="int32", data=steps)


def convert_batch_normalization(b: Builder, node: Node) -> None:
    """Fold into the layer before it; only a network of real numbers has layers that allow it."""
    layer = entry(b, node, 0)
    numbers = [constant(b, node, index) for index in (1, 2, 3, 4)]
    if b.numerics is not None or not isinstance(layer, Layer) or layer.ends != EVERYTHING:
        raise UnsupportedError("only behind a Conv of real numbers; fold it before quantizing")
    if layer.code not in ("CONV_2D", "DEPTHWISE_CONV_2D") or any(n is None for n in numbers):
        raise UnsupportedError(f"cannot be folded into {layer.code}")
    gamma, beta, mean, variance = (np.asarray(n, np.float32) for n in numbers)
    factor = gamma / np.sqrt(variance + np.float32(node.attributes.get("epsilon", 1e-5)))
    x, w, bias = layer.inputs
    assert w is not None and w.data is not None
    axis = 3 if layer.code == "DEPTHWISE_CONV_2D" else 0
    along = [-1 if i == axis else 1 for i in range(4)]
    if factor.shape != (w.shape[axis],):
        raise ModelError(f"{factor.size} channels, but {w.shape[axis]} before")
    old = bias.data if bias is not None and bias.data is not None else np.zeros_like(mean)
    folded = np.asarray((old - mean) * factor + beta, np.float32)
    name = f"{w.name}/bias"
    new_bias = Value(name, folded.shape, "float32", NO_SCALES, NO_ZERO_POINTS, data=folded)
    new_w = replace(w, data=(w.data * factor.reshape(along)).astype(np.float32))
    b.entries[node.outputs[0]] = replace(layer, inputs=(x, new_w, new_bias))

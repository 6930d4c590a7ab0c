"""A network written for ONNX Runtime: the same integers in its own quantized operators.

Only to measure that interpreter beside the others. Activations become uint8, the type that it is
fastest with, and NCHW; its rounding differs from ours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from qembed.errors import ToolError
from qembed.ir import AnyArray, Graph, Node, Tensor

MICROSOFT = "com.microsoft"
OPSETS = {"": 13, MICROSOFT: 1}


@dataclass(slots=True)
class _Writer:
    """What has been written so far. `names`: by tensor, NCHW; `flat`: those without H and W."""

    graph: Graph
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)
    images: set[int] = field(default_factory=set)


def onnx_bytes(graph: Graph) -> bytes:
    """Write an int8 network with one input and one output, any batch, as an ONNX model.

    Its input is uint8 (B, ...) in the graph's own layout: int8 values + 128.

    Raises
    ------
    ToolError
        Naming an operator or a parameter that ONNX Runtime has no fast kernel for.
    """
    try:
        from onnx import TensorProto, helper
    except ImportError:
        raise ToolError("the package onnx is not installed") from None
    if len(graph.inputs) != 1 or len(graph.outputs) != 1 or graph.state:
        raise ToolError("it has several inputs or outputs, or state")
    writer = _Writer(graph)
    first, last = graph.tensors[graph.inputs[0]], graph.outputs[0]
    _begin(writer, graph.inputs[0])
    for node in graph.nodes:
        if node.op not in WRITERS:
            raise ToolError(f"operator {node.op} is not written for it")
        WRITERS[node.op](writer, node)
    if last in writer.images:
        raise ToolError("its output is an image")
    shapes: list[list[str | int | None]] = [
        ["N", *first.shape[1:]],
        ["N", *graph.tensors[last].shape[1:]],
    ]
    names = ["x", writer.names[last]]
    ports = [
        helper.make_tensor_value_info(name, TensorProto.UINT8, shape)
        for name, shape in zip(names, shapes, strict=True)
    ]
    made = helper.make_graph(writer.nodes, "network", ports[:1], ports[1:], writer.constants)
    opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
    model = helper.make_model(made, opset_imports=opsets, ir_version=8)
    serialized: bytes = model.SerializeToString()
    return serialized


def _begin(writer: _Writer, index: int) -> None:
    tensor = writer.graph.tensors[index]
    if tensor.dtype != "int8" or tensor.shape[:1] != (1,) or len(tensor.shape) not in (2, 4):
        raise ToolError(f"its input is {tensor.dtype}{list(tensor.shape)}")
    writer.names[index] = "x"
    if len(tensor.shape) == 4:
        _emit(writer, "Transpose", ["x"], index, perm=[0, 3, 1, 2])
        writer.images.add(index)


def _emit(writer: _Writer, op: str, inputs: list[str], output: int, **attributes: Any) -> None:
    from onnx import helper

    domain = MICROSOFT if op in ("QGemm", "QLinearAdd") or op.endswith(("Pool", "Softmax")) else ""
    name = f"t{output}_{len(writer.nodes)}"
    writer.nodes.append(helper.make_node(op, inputs, [name], domain=domain, **attributes))
    writer.names[output] = name


def _constant(writer: _Writer, array: AnyArray) -> str:
    from onnx import numpy_helper

    name = f"c{len(writer.constants)}"
    writer.constants.append(numpy_helper.from_array(np.array(array, order="C"), name))
    return name


def _scale(writer: _Writer, tensor: Tensor) -> list[str]:
    """Scale and zero point of an activation."""
    if tensor.quantization is None:
        raise ToolError(f"tensor '{tensor.name}' has no scale")
    by = tensor.quantization
    return [
        _constant(writer, np.array(by.scale, np.float32)),
        _constant(writer, np.array(by.zero_point + 128, np.uint8)),
    ]


def _layer(writer: _Writer, node: Node, weights: AnyArray) -> list[str]:
    """Operands of a layer with sums of products: QLinearConv's and QGemm's, bias last."""
    x, y = writer.graph.tensors[node.inputs[0]], writer.graph.tensors[node.outputs[0]]
    _require_full_range(node)
    by = node.params.requantization
    real = by.multiplier * np.exp2(by.shift.astype(np.float64) - 31)
    assert x.quantization is not None and y.quantization is not None
    scale = (real * y.quantization.scale / x.quantization.scale).astype(np.float32)
    scale = np.maximum(scale, np.finfo(np.float32).tiny)  # a constant channel has none
    scale = np.broadcast_to(scale, len(weights))
    return [
        writer.names[node.inputs[0]],
        *_scale(writer, x),
        _constant(writer, weights),
        _constant(writer, scale),
        _constant(writer, np.zeros(len(weights), np.int8)),
        *_scale(writer, y),
        _constant(writer, node.params.bias.astype(np.int32)),
    ]


def _require_full_range(node: Node) -> None:
    if tuple(node.params.activation_range) != (-128, 127):
        raise ToolError(f"layer '{node.name}' clamps its output")


def _geometry(params: Any) -> dict[str, list[int]]:
    (top, bottom), (left, right) = params.padding
    return {"pads": [top, left, bottom, right], "strides": list(params.stride)}


def _convolution(writer: _Writer, node: Node, weights: AnyArray, groups: int) -> None:
    _emit(
        writer,
        "QLinearConv",
        _layer(writer, node, weights),
        node.outputs[0],
        group=groups,
        kernel_shape=list(weights.shape[2:]),
        dilations=list(node.params.dilation),
        **_geometry(node.params),
    )
    writer.images.add(node.outputs[0])


def _conv(writer: _Writer, node: Node) -> None:
    weights = node.params.weights.transpose(0, 3, 1, 2)
    channels = writer.graph.tensors[node.inputs[0]].shape[3]
    _convolution(writer, node, weights, channels // weights.shape[1])


def _depthwise_conv(writer: _Writer, node: Node) -> None:
    weights = node.params.weights.transpose(2, 0, 1)[:, None]
    _convolution(writer, node, weights, writer.graph.tensors[node.inputs[0]].shape[3])


def _fully_connected(writer: _Writer, node: Node) -> None:
    _flatten(writer, node.inputs[0], [-1, node.params.weights.shape[1]])
    x, xs, xz, w, ws, wz, ys, yz, bias = _layer(writer, node, node.params.weights)
    operands = [x, xs, xz, w, ws, wz, bias, ys, yz]
    _emit(writer, "QGemm", operands, node.outputs[0], transB=1)


def _average_pool(writer: _Writer, node: Node) -> None:
    _require_full_range(node)
    x, y = (writer.graph.tensors[i] for i in (node.inputs[0], node.outputs[0]))
    operands = [writer.names[node.inputs[0]], *_scale(writer, x), *_scale(writer, y)]
    if tuple(node.params.window) == x.shape[1:3]:
        _emit(writer, "QLinearGlobalAveragePool", operands, node.outputs[0], channels_last=0)
    else:
        _emit(
            writer,
            "QLinearAveragePool",
            operands,
            node.outputs[0],
            kernel_shape=list(node.params.window),
            **_geometry(node.params),
        )
    writer.images.add(node.outputs[0])


def _add(writer: _Writer, node: Node) -> None:
    _require_full_range(node)
    one, two = node.inputs
    if len({writer.graph.tensors[i].shape for i in node.inputs}) > 1 or node.params.subtract:
        raise ToolError(f"layer '{node.name}' broadcasts or subtracts")
    operands = [
        part
        for i in (one, two)
        for part in (writer.names[i], *_scale(writer, writer.graph.tensors[i]))
    ]
    y = writer.graph.tensors[node.outputs[0]]
    _emit(writer, "QLinearAdd", [*operands, *_scale(writer, y)], node.outputs[0])
    if one in writer.images:
        writer.images.add(node.outputs[0])


def _reshape(writer: _Writer, node: Node) -> None:
    shape = writer.graph.tensors[node.outputs[0]].shape
    if len(shape) != 2 or shape[0] != 1:
        raise ToolError(f"layer '{node.name}' reshapes to {list(shape)}")
    _flatten(writer, node.inputs[0], [-1, shape[1]])
    writer.names[node.outputs[0]] = writer.names[node.inputs[0]]


def _flatten(writer: _Writer, index: int, shape: list[int]) -> None:
    """Make rows of an activation, in the order of NHWC."""
    if index in writer.images:
        _emit(writer, "Transpose", [writer.names[index]], index, perm=[0, 2, 3, 1])
        writer.images.discard(index)
    elif len(writer.graph.tensors[index].shape) == 2:
        return
    rows = _constant(writer, np.array(shape, np.int64))
    _emit(writer, "Reshape", [writer.names[index], rows], index)


def _softmax(writer: _Writer, node: Node) -> None:
    x, y = (writer.graph.tensors[i] for i in (node.inputs[0], node.outputs[0]))
    if node.inputs[0] in writer.images:
        raise ToolError(f"layer '{node.name}' is over the channels of an image")
    operands = [writer.names[node.inputs[0]], *_scale(writer, x), *_scale(writer, y)]
    _emit(writer, "QLinearSoftmax", operands, node.outputs[0], axis=-1, opset=13)


WRITERS: dict[str, Callable[[_Writer, Node], None]] = {
    "add": _add,
    "average_pool": _average_pool,
    "conv": _conv,
    "depthwise_conv": _depthwise_conv,
    "fully_connected": _fully_connected,
    "reshape": _reshape,
    "softmax": _softmax,
}

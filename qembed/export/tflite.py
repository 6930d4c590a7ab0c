"""An integer graph as the content of a .tflite file: the inverse of the importer.

Parameters of a graph say less than a file does: what a clamp or a table comes from. Stated here is
what they most likely come from; whoever writes the file reads it back and compares, so that a guess
that is wrong never leaves the house.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qembed.errors import UnsupportedError
from qembed.floats import _lower, moves
from qembed.floats.lowering import DESCRIPTION
from qembed.ir import AnyArray, Graph, Node, Padding2D, Tensor
from qembed.numerics import activation_range
from qembed.tflite.reader import File, Operator, SubGraph, Value

Maker = Callable[[Any, list[Value], Value], list[Operator]]


def to_file(graph: Graph) -> File:
    """State an integer graph as a .tflite file does.

    Raises
    ------
    UnsupportedError
        Naming every node that has no such form here.
    """
    values = {i: _value(tensor) for i, tensor in enumerate(graph.tensors)}
    operators: list[Operator] = []
    complaints = []
    for node in graph.nodes:
        try:
            operators += _operators(node, values)
        except UnsupportedError as error:
            complaints.append(f"{node.name} ({node.op}): {error}")
    if graph.state:
        complaints.append("its state")
    if complaints:
        raise UnsupportedError("\n  ".join(["the model has no form as .tflite:", *complaints]))
    main = SubGraph(
        inputs=tuple(values[i] for i in graph.inputs),
        outputs=tuple(values[i] for i in graph.outputs),
        operators=tuple(replace(op, index=index) for index, op in enumerate(operators)),
    )
    return File(DESCRIPTION, (main,))


def _operators(node: Node, values: Mapping[int, Value]) -> list[Operator]:
    if node.op not in MAKERS:
        raise UnsupportedError("this operator cannot be told from its parameters")
    (output,) = (values[i] for i in node.outputs)
    return MAKERS[node.op](node.params, [values[i] for i in node.inputs], output)


def _value(tensor: Tensor) -> Value:
    scales, zero_points = _lower.NO_SCALES, _lower.NO_ZERO_POINTS
    if tensor.quantization is not None:
        scales = np.array([tensor.quantization.scale], np.float32)
        zero_points = np.array([tensor.quantization.zero_point], np.int64)
    return Value(tensor.name, tensor.shape, tensor.dtype, scales, zero_points, data=tensor.data)


def _activation(bounds: tuple[int, int], y: Value) -> str:
    """Return the fused activation that clamps to `bounds`."""
    if not y.scales.size:
        raise UnsupportedError(f"tensor '{y.name}' has no scale")
    for name in ("NONE", "RELU", "RELU6", "RELU_N1_TO_1"):
        dtype: Any = y.dtype
        if activation_range(name, float(y.scales[0]), int(y.zero_points[0]), dtype) == bounds:
            return name
    raise UnsupportedError(f"no activation clamps to {bounds}")


def _geometry(
    params: Any, x: Value, window: tuple[int, int], dilation: tuple[int, int]
) -> dict[str, Any]:
    padding: Padding2D = params.padding
    scheme = _lower.named_padding(x.shape, window, params.stride, dilation, padding)
    if scheme is None:
        raise UnsupportedError(f"padding {padding} is neither SAME nor VALID")
    return {"padding": scheme, "stride_h": params.stride[0], "stride_w": params.stride[1]}


def _weights(
    params: Any, x: Value, y: Value, stored: AnyArray, axis: int, narrow: bool
) -> tuple[Value, Value]:
    scale: NDArray[np.float32] | None = params.weight_scale
    if scale is None or not x.scales.size:
        raise UnsupportedError("its weights have no scale")
    zeros = np.zeros(scale.size, np.int64)
    weights = replace(
        _lower.constant(f"{y.name}/weights", stored),
        dtype="int4" if narrow and params.weight_bits == 4 else "int8",
        scales=scale,
        zero_points=zeros,
        axis=axis,
    )
    bias_scale = (x.scales.astype(np.float64) * scale).astype(np.float32)
    bias = replace(
        _lower.constant(f"{y.name}/bias", params.bias), scales=bias_scale, zero_points=zeros
    )
    return weights, bias


def _conv(params: Any, inputs: list[Value], y: Value) -> list[Operator]:
    (x,) = inputs
    w, b = _weights(params, x, y, params.weights, 0, True)
    options = _geometry(params, x, params.weights.shape[1:3], params.dilation)
    return [
        _lower.operator(
            "CONV_2D",
            [x, w, b],
            [y],
            **options,
            dilation_h=params.dilation[0],
            dilation_w=params.dilation[1],
            activation=_activation(params.activation_range, y),
        )
    ]


def _depthwise_conv(params: Any, inputs: list[Value], y: Value) -> list[Operator]:
    (x,) = inputs
    w, b = _weights(params, x, y, params.weights[None], 3, True)
    options = _geometry(params, x, params.weights.shape[:2], params.dilation)
    return [
        _lower.operator(
            "DEPTHWISE_CONV_2D",
            [x, w, b],
            [y],
            **options,
            dilation_h=params.dilation[0],
            dilation_w=params.dilation[1],
            depth_multiplier=params.weights.shape[2] // x.shape[3],
            activation=_activation(params.activation_range, y),
        )
    ]


def _fully_connected(params: Any, inputs: list[Value], y: Value) -> list[Operator]:
    (x,) = inputs
    w, b = _weights(params, x, y, params.weights, 0, False)
    options = {
        "keep_num_dims": int(params.keep_dims),
        "activation": _activation(params.activation_range, y),
    }
    return [_lower.operator("FULLY_CONNECTED", [x, w, b], [y], **options)]


def _add(params: Any, inputs: list[Value], y: Value) -> list[Operator]:
    activation = _activation(params.activation_range, y)
    code = "SUB" if params.subtract else "ADD"
    return [_lower.operator(code, list(inputs), [y], activation=activation)]


def _mul(params: Any, inputs: list[Value], y: Value) -> list[Operator]:
    activation = _activation(params.activation_range, y)
    return [_lower.operator("MUL", list(inputs), [y], activation=activation)]


def _pool(code: str) -> Maker:
    def make(params: Any, inputs: list[Value], y: Value) -> list[Operator]:
        options = _geometry(params, inputs[0], params.window, (1, 1))
        return [
            _lower.operator(
                code,
                list(inputs),
                [y],
                **options,
                filter_h=params.window[0],
                filter_w=params.window[1],
                activation=_activation(params.activation_range, y),
            )
        ]

    return make


def _mean(params: Any, inputs: list[Value], y: Value) -> list[Operator]:
    axes = _lower.integers(f"{y.name}/axes", params.axes)
    return [_lower.operator("MEAN", [*inputs, axes], [y], keep_dims=int(params.keep_dims))]


def _extremum(params: Any, inputs: list[Value], y: Value) -> list[Operator]:
    return [_lower.operator("MAXIMUM" if params.largest else "MINIMUM", list(inputs), [y])]


def _pad(params: Any, inputs: list[Value], y: Value) -> list[Operator]:
    (x,) = inputs
    edges = _lower.integers(f"{y.name}/padding", params.padding)
    if x.scales.size and params.value == x.zero_points[0]:
        return [_lower.operator("PAD", [x, edges], [y])]
    filling = replace(
        _lower.between(x, "filling", (1,)), data=np.array([params.value], np.dtype(x.dtype))
    )
    return [_lower.operator("PADV2", [x, edges, filling], [y])]


def _plain(code: str) -> Maker:
    def make(params: Any, inputs: list[Value], y: Value) -> list[Operator]:
        options = {"beta": 1.0} if code == "SOFTMAX" else {}
        return [_lower.operator(code, list(inputs), [y], **options)]

    return make


MAKERS: dict[str, Maker] = {
    "add": _add,
    "average_pool": _pool("AVERAGE_POOL_2D"),
    "broadcast_to": moves.lower_broadcast_to,
    "concatenation": moves.lower_concatenation,
    "conv": _conv,
    "depthwise_conv": _depthwise_conv,
    "dequantize": _plain("DEQUANTIZE"),
    "extremum": _extremum,
    "fully_connected": _fully_connected,
    "gather": moves.lower_gather,
    "l2_normalization": _plain("L2_NORMALIZATION"),
    "log_softmax": _plain("LOG_SOFTMAX"),
    "max_pool": _pool("MAX_POOL_2D"),
    "mean": _mean,
    "mirror_pad": moves.lower_mirror_pad,
    "mul": _mul,
    "pad": _pad,
    "quantize": _plain("QUANTIZE"),
    "reshape": moves.lower_reshape,
    "softmax": _plain("SOFTMAX"),
    "softmax_int16": _plain("SOFTMAX"),
    "squared_difference": _plain("SQUARED_DIFFERENCE"),
    "strided_slice": moves.lower_strided_slice,
    "transpose": moves.lower_transpose,
}
"""By the stem of an integer operator."""

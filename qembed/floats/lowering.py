"""A float graph to the content of a .tflite file, in whatever types its tensors shall have.

Without encodings the file is float32. With one for every activation and every layer it is the
integer network, at the level at which the file format states it: scales, zero points, integer
weights. `qembed.importers` turns that into multipliers and tables, `qembed.tflite.writer` into
bytes; so a network quantized here and the same network read from its file cannot differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qembed.errors import QembedError
from qembed.floats import FLOAT_OPERATORS, Weights, _lower
from qembed.ir import AnyArray, DType, Graph, Node, Quantization, Tensor
from qembed.tflite.reader import File, Operator, SubGraph, Value

DESCRIPTION = "qembed"


@dataclass(frozen=True, slots=True)
class Encoding:
    """How an activation is stored: int8 or int16, and what its numbers mean."""

    dtype: DType
    quantization: Quantization


@dataclass(frozen=True, slots=True, eq=False)
class LayerEncoding:
    """How a layer that sums products stores its weights.

    Attributes
    ----------
    weights : int8 ndarray
        In the layout of the float layer's parameters; with `bits` 4 in [-8, 7].
    scale : float32 ndarray, shape (O,)
    bias : int32 or int64 ndarray, shape (O,)
        In steps of input scale * weight scale.
    bits : int
        8 or 4.
    """

    weights: NDArray[np.int8]
    scale: NDArray[np.float32]
    bias: AnyArray
    bits: int = 8


def lower(
    graph: Graph,
    encodings: Mapping[int, Encoding] | None = None,
    layers: Mapping[str, LayerEncoding] | None = None,
) -> File:
    """State a float graph as a .tflite file does.

    Parameters
    ----------
    graph : Graph
        Of `FLOAT_OPERATORS`.
    encodings : mapping, optional
        By the index of every tensor; None: everything is float32.
    layers : mapping
        By the name of every node that has weights; None: as they are.

    Raises
    ------
    QembedError
        Naming a node that the format cannot express.
    """
    values = {
        i: _value(tensor, None if encodings is None else encodings[i])
        for i, tensor in enumerate(graph.tensors)
    }
    operators: list[Operator] = []
    for node in graph.nodes:
        inputs, (output,) = [values[i] for i in node.inputs], (values[i] for i in node.outputs)
        operator = FLOAT_OPERATORS[node.op]
        if operator.weights is not None:
            layer = None if layers is None else layers[node.name]
            inputs += _weights(node, operator.weights, inputs[0], layer)
        try:
            operators += operator.lower(node.params, inputs, output)
        except QembedError as error:
            raise type(error)(f"node '{node.name}' ({node.op}): {error}") from None
    main = SubGraph(
        inputs=tuple(values[i] for i in graph.inputs),
        outputs=tuple(values[i] for i in graph.outputs),
        operators=tuple(replace(op, index=index) for index, op in enumerate(operators)),
    )
    return File(DESCRIPTION, (main,))


def encode(real: AnyArray, encoding: Encoding) -> AnyArray:
    """Quantize real numbers: nearest step, ties to even, saturated."""
    by, limits = encoding.quantization, np.iinfo(encoding.dtype)
    steps = np.rint(real / np.float32(by.scale)) + by.zero_point
    saturated: AnyArray = np.clip(steps, limits.min, limits.max).astype(encoding.dtype)
    return saturated


def _value(tensor: Tensor, encoding: Encoding | None) -> Value:
    data = tensor.data
    if encoding is None:
        return Value(
            tensor.name,
            tensor.shape,
            tensor.dtype,
            _lower.NO_SCALES,
            _lower.NO_ZERO_POINTS,
            data=data,
        )
    return Value(
        tensor.name,
        tensor.shape,
        encoding.dtype,
        np.array([encoding.quantization.scale], np.float32),
        np.array([encoding.quantization.zero_point], np.int64),
        data=None if data is None else encode(data, encoding),
    )


def _weights(node: Node, weights: Weights, x: Value, layer: LayerEncoding | None) -> list[Value]:
    names = f"{node.name}/weights", f"{node.name}/bias"
    if layer is None:
        stored = weights.stored(node.params)
        return [_lower.constant(names[0], stored), _lower.constant(names[1], node.params.bias)]
    stored = weights.stored(replace(node.params, weights=layer.weights))
    zeros = np.zeros(layer.scale.size, np.int64)
    # TFLite Micro has no int4 FULLY_CONNECTED with a scale per channel: the file takes bytes.
    narrow = layer.bits == 4 and node.op != "fully_connected"
    bias_scale = (x.scales.astype(np.float64) * layer.scale).astype(np.float32)
    return [
        replace(
            _lower.constant(names[0], stored),
            dtype="int4" if narrow else "int8",
            scales=layer.scale,
            zero_points=zeros,
            axis=weights.axis,
        ),
        replace(_lower.constant(names[1], layer.bias), scales=bias_scale, zero_points=zeros),
    ]

"""From decisions to an integer graph, by way of the file format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from qembed.errors import QembedError
from qembed.floats import FLOAT_OPERATORS
from qembed.floats.lowering import Encoding, LayerEncoding, lower
from qembed.importers.tflite import convert
from qembed.ir import AnyArray, DType, Graph, Node
from qembed.numerics import profile_named
from qembed.quantize.scheme import covering, encoding_of, groups_of
from qembed.tflite.reader import File


def build(
    graph: Graph,
    encodings: Mapping[int, Encoding],
    layers: Mapping[str, LayerEncoding],
    profile: str = "tflm",
) -> tuple[Graph, File]:
    """Return the integer graph of a float graph and of what was decided, and its file.

    Raises
    ------
    UnsupportedError, ModelError
        Listing every node that has no form in the integers asked for.
    """
    file = lower(graph, encodings, layers)
    constants = sum(
        value.data.nbytes
        for op in file.subgraphs[0].operators
        for value in op.inputs
        if value is not None and value.data is not None
    )
    try:
        integers = convert.convert(file, graph.name, constants, profile_named(profile))
    except QembedError as error:
        reasons = str(error).removeprefix("cannot import the model:")
        raise type(error)(
            f"the network has layers without a form in these integers:{reasons}"
        ) from None
    return _marked(integers, graph, layers), file


def require_integer_forms(
    graph: Graph, traced: Mapping[int, AnyArray], dtype: DType, profile: str
) -> None:
    """Refuse, before any work is done, a network with layers that have no form in integers.

    Parameters
    ----------
    traced : mapping
        Every tensor that is computed, on some data: scales of the right size will do here.

    Raises
    ------
    UnsupportedError, ModelError
        Of `build`.
    """
    encodings = {}
    for i, group in groups_of(graph, dtype).items():
        seen = [_contents(graph, traced, member) for member in group.members]
        span = covering([(float(array.min()), float(array.max())) for array in seen])
        by = encoding_of(span, dtype)
        encodings[i] = by if group.implied is None else Encoding(dtype, group.implied)
    layers = {node.name: _draft(node, dtype) for node in graph.nodes if _has_weights(node)}
    build(graph, encodings, layers, profile)


def _contents(graph: Graph, traced: Mapping[int, AnyArray], index: int) -> AnyArray:
    data = graph.tensors[index].data
    return traced[index] if data is None else data


def _draft(node: Node, dtype: DType) -> LayerEncoding:
    weights, channels = node.params.weights, node.params.bias.size
    scale = np.full(channels, max(float(np.abs(weights).max()), 1e-6) / 127, np.float32)
    bias = np.zeros(channels, np.int32 if dtype == "int8" else np.int64)
    return LayerEncoding(np.zeros(weights.shape, np.int8), scale, bias)


def _has_weights(node: Node) -> bool:
    return FLOAT_OPERATORS[node.op].weights is not None


def _marked(integers: Graph, graph: Graph, layers: Mapping[str, LayerEncoding]) -> Graph:
    """Store weights in 4 bits where they were made for it and the file could not say so."""
    narrow = {graph.tensors[n.outputs[0]].name for n in graph.nodes if _is_narrow(n.name, layers)}
    nodes = []
    for node in integers.nodes:
        name = integers.tensors[node.outputs[0]].name
        if hasattr(node.params, "weight_bits") and name.removesuffix("/rows") in narrow:
            node = replace(node, params=replace(node.params, weight_bits=4))
        nodes.append(node)
    return replace(integers, nodes=tuple(nodes))


def _is_narrow(name: str, layers: Mapping[str, LayerEncoding]) -> bool:
    return name in layers and layers[name].bits == 4

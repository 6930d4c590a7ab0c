"""Rewrite a float graph so that there is less to quantize; it computes the same real numbers.

What constants alone decide is computed. Factors and offsets of channels, as BatchNorm leaves them,
go into the weights of the layer before; activations into the layer that they follow.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from qembed.floats import FLOAT_OPERATORS, executor
from qembed.ir import AnyArray, Graph, Node

FUSED = {"relu": "RELU", "relu6": "RELU6", "relu_n1_to_1": "RELU_N1_TO_1"}
"""Functions that the layer before can do; the file format knows no others."""


def simplify(graph: Graph) -> Graph:
    """Return an equal graph with constants folded, scales folded and activations fused.

    Its tensors keep their names where they still exist.
    """
    graph = _fold_constants(graph)
    changed = True
    while changed:
        graph, changed = _merge_once(graph)
    return _without_unused(graph)


def _fold_constants(graph: Graph) -> Graph:
    tensors, nodes = list(graph.tensors), []
    for node in graph.nodes:
        if all(tensors[i].data is not None for i in node.inputs):
            known = replace(graph, tensors=tuple(tensors))
            (target,) = node.outputs
            data = np.array(executor.forward(known, node, {})[0])
            tensors[target] = replace(tensors[target], data=data)
        else:
            nodes.append(node)
    return replace(graph, tensors=tuple(tensors), nodes=tuple(nodes))


def _merge_once(graph: Graph) -> tuple[Graph, bool]:
    """Merge the first node that can be into the one before it."""
    makers = {node.outputs[0]: place for place, node in enumerate(graph.nodes)}
    readers = _count(i for node in graph.nodes for i in node.inputs)
    for place, node in enumerate(graph.nodes):
        source = _activation_of(graph, node)
        if source not in makers or readers[source] > 1 or source in graph.outputs:
            continue
        before = graph.nodes[makers[source]]
        merged = _merged(graph, before, node, source)
        if merged is not None:
            nodes = list(graph.nodes)
            nodes[makers[source]] = replace(before, params=merged, outputs=node.outputs)
            del nodes[place]
            return replace(graph, nodes=tuple(nodes)), True
    return graph, False


def _activation_of(graph: Graph, node: Node) -> int | None:
    """Return the only input that is not a constant."""
    moving = [i for i in node.inputs if graph.tensors[i].data is None]
    return moving[0] if len(moving) == 1 else None


def _merged(graph: Graph, before: Node, node: Node, source: int) -> Any:
    """Parameters of `before` that do the work of both, or None."""
    if getattr(before.params, "activation", None) != "NONE":
        return None
    if node.op == "unary" and node.params.function in FUSED:
        return _with_activation(before.params, FUSED[node.params.function])
    if node.op != "binary" or FLOAT_OPERATORS[before.op].weights is None:
        return None
    scaled = _as_scale(graph, node, source)
    if scaled is None or graph.tensors[node.outputs[0]].shape != graph.tensors[source].shape:
        return None
    return _with_scale(before, *scaled, node.params.activation)


def _with_activation(params: Any, activation: str) -> Any:
    function = getattr(params, "function", None)
    if function in ("maximum", "minimum", "squared_difference"):
        return None  # the format's operators take no activation
    return replace(params, activation=activation)


def _as_scale(graph: Graph, node: Node, source: int) -> tuple[AnyArray, AnyArray] | None:
    """(factor, offset) per channel that the node applies to its only activation, or None."""
    channels = graph.tensors[source].shape[-1]
    (other,) = [i for i in node.inputs if i != source] or (source,)
    data = graph.tensors[other].data
    if (
        data is None
        or data.size not in (1, channels)
        or data.shape[-1:] not in ((), (1,), (channels,))
    ):
        return None
    given = np.broadcast_to(data.reshape(-1), channels).astype(np.float32)
    one, zero = np.ones(channels, np.float32), np.zeros(channels, np.float32)
    first = node.inputs[0] == source
    forms = {
        "add": (one, given),
        "mul": (given, zero),
        "sub": (one, -given) if first else (-one, given),
    }
    if node.params.function == "div" and first and bool(np.all(given != 0)):
        return one / given, zero
    return forms.get(node.params.function)


def _with_scale(layer: Node, factor: AnyArray, offset: AnyArray, activation: str) -> Any:
    params = layer.params
    if len(params.bias) != len(factor):
        return None
    axis = {"conv": 0, "depthwise_conv": 2, "fully_connected": 0, "transpose_conv": 0}[layer.op]
    shape = [-1 if i == axis else 1 for i in range(params.weights.ndim)]
    return replace(
        params,
        weights=params.weights * factor.reshape(shape),
        bias=params.bias * factor + offset,
        activation=activation,
    )


def _without_unused(graph: Graph) -> Graph:
    """Drop nodes whose results nobody reads, and tensors that no node knows."""
    needed, nodes = set(graph.outputs), []
    for node in reversed(graph.nodes):
        if needed.intersection(node.outputs):
            nodes.append(node)
            needed.update(node.inputs)
    nodes.reverse()
    kept = sorted(needed | set(graph.inputs))
    place = {old: new for new, old in enumerate(kept)}

    def moved(indices: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(place[i] for i in indices)

    return replace(
        graph,
        tensors=tuple(graph.tensors[i] for i in kept),
        nodes=tuple(replace(n, inputs=moved(n.inputs), outputs=moved(n.outputs)) for n in nodes),
        inputs=moved(graph.inputs),
        outputs=moved(graph.outputs),
    )


def _count(indices: Iterable[int]) -> dict[int, int]:
    counts: dict[int, int] = {}
    for i in indices:
        counts[i] = counts.get(i, 0) + 1
    return counts

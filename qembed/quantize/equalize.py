"""Give the channels of a tensor equal ranges, so that one scale serves all of them.

A layer may compute channel c times any positive factor if whoever reads it divides by the same
factor again; in real numbers nothing changes. What lies between must let factors pass (sums,
rectifiers, pools). Tensors that such operators connect share their factors; so do the branches of a
residual block.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qembed.floats import FLOAT_OPERATORS
from qembed.ir import AnyArray, Graph, Node

LARGEST_FACTOR = 256.0
LAYERS = ("conv", "depthwise_conv", "fully_connected")
Factors = NDArray[np.float64]


@dataclass(slots=True)
class _Set:
    """Tensors whose channels share factors; not `free` if something else fixes these at 1."""

    members: list[int] = field(default_factory=list)
    free: bool = True


def peaks_of(traced: Mapping[int, AnyArray]) -> dict[int, Factors]:
    """Return the largest magnitude of every channel (last axis) of traced tensors."""
    return {
        i: np.abs(array).max(axis=tuple(range(array.ndim - 1))).astype(np.float64)
        for i, array in traced.items()
        if array.ndim > 1
    }


def equalized(graph: Graph, peaks: Mapping[int, Factors], strength: float) -> Graph:
    """Return an equal graph whose channels differ less.

    Parameters
    ----------
    graph : Graph
        Float.
    peaks : mapping
        Of `peaks_of`, for every tensor that is computed.
    strength : float
        0: nothing happens; 1: all channels reach equally far.
    """
    factors: dict[int, Factors] = {}
    for shared in _sets(graph):
        if shared.free:
            channels = min(graph.tensors[i].shape[-1] for i in shared.members)
            reach = np.max([peaks[i].reshape(-1, channels).max(0) for i in shared.members], axis=0)
            if reach.max() > 0:
                ratio = reach.max() / np.maximum(reach, reach.max() / LARGEST_FACTOR)
                factors.update(dict.fromkeys(shared.members, ratio**strength))
    nodes = tuple(_scaled(graph, node, factors) for node in graph.nodes)
    return replace(graph, nodes=nodes)


def _sets(graph: Graph) -> Iterable[_Set]:
    """Cut the tensors into sets that share factors."""
    sets = {i: _Set([i]) for i in range(len(graph.tensors))}

    def join(one: int, other: int) -> None:
        first, second = sets[one], sets[other]
        if first is not second:
            first.members += second.members
            first.free &= second.free
            for i in second.members:
                sets[i] = first

    for i in (*graph.inputs, *graph.outputs):
        sets[i].free = False
    for i, tensor in enumerate(graph.tensors):
        if tensor.data is not None or not tensor.shape:
            sets[i].free = False
    for node in graph.nodes:
        if _lets_factors_pass(graph, node):
            for i in node.inputs:
                join(node.outputs[0], i)
        elif node.op not in LAYERS or not _scales_output(node):
            sets[node.outputs[0]].free = False
        if node.op not in LAYERS and not _lets_factors_pass(graph, node):
            for i in node.inputs:
                sets[i].free = False
    return list({id(shared): shared for shared in sets.values()}.values())


def _scales_output(node: Node) -> bool:
    return bool(node.params.activation in ("NONE", "RELU"))


def _lets_factors_pass(graph: Graph, node: Node) -> bool:
    """Whether a factor on a channel of the inputs comes out as the same factor."""
    params: Any = node.params
    shapes = [graph.tensors[i].shape for i in (*node.inputs, *node.outputs)]
    if not all(shapes) or getattr(params, "activation", "NONE") not in ("NONE", "RELU"):
        return False
    if node.op == "binary":
        if params.function not in ("add", "sub", "maximum", "minimum"):
            return False
        return len({shape[-1] for shape in shapes}) == 1
    if node.op == "reshape":
        return bool(shapes[1][-1] % shapes[0][-1] == 0)
    if node.op == "unary":
        return bool(params.function in ("relu", "leaky_relu", "abs"))
    if node.op == "reduce":
        return len(shapes[0]) - 1 not in params.axes
    if node.op == "pad":
        return bool(params.value == 0.0 and params.padding[-1] == (0, 0))
    return node.op in ("pool", "requantize")


def _scaled(graph: Graph, node: Node, factors: Mapping[int, Factors]) -> Node:
    """Multiply a layer's outputs by their factors and divide by those of its input."""
    if node.op not in LAYERS:
        return node
    before, after = factors.get(node.inputs[0]), factors.get(node.outputs[0])
    view = FLOAT_OPERATORS[node.op].weights
    assert view is not None  # of LAYERS
    groups = _groups(graph, node)
    matrices = view.matrix(node.params, groups).astype(np.float64)
    bias = node.params.bias.astype(np.float64)
    if before is not None:
        matrices = matrices / _columns(node, before, matrices.shape)
    if after is not None:
        matrices = matrices * after.reshape(groups, -1, 1)
        bias = bias * after
    weights = view.restored(node.params, matrices).astype(np.float32)
    return replace(node, params=replace(node.params, weights=weights, bias=bias.astype(np.float32)))


def _groups(graph: Graph, node: Node) -> int:
    channels = graph.tensors[node.inputs[0]].shape[-1]
    if node.op == "conv":
        return channels // int(node.params.weights.shape[3])
    return channels if node.op == "depthwise_conv" else 1


def _columns(node: Node, factors: Factors, shape: tuple[int, ...]) -> Factors:
    """Arrange the factors of input channels as the columns of the layer's matrices."""
    groups, _, width = shape
    if node.op == "depthwise_conv":
        return factors.reshape(groups, 1, 1)
    each = factors.reshape(groups, -1) if node.op == "conv" else factors[None]
    return np.tile(each, (1, width // each.shape[1]))[:, None, :]

"""Decide scales and integer weights, layer by layer, each seeing what those before have done.

Two copies of the calibration data go through the network side by side: in real numbers, and as the
integers so far decided would carry it (rounded values, held as float32). A layer's weights are made
so that the second copy follows the first. The range of its output is the candidate after which the
rest of the network, in real numbers, errs least.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qembed.floats import FLOAT_OPERATORS, executor
from qembed.floats.lowering import Encoding, LayerEncoding, encode
from qembed.ir import AnyArray, Graph, Node
from qembed.quantize import ranges
from qembed.quantize.layers import Recipe, make_layer
from qembed.quantize.scheme import Group, covering, encoding_of, groups_of, targets_of

JUDGED = 256
"""Samples by which candidates for a range are compared."""


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """What makes a float graph an integer one.

    Attributes
    ----------
    encodings : dict
        Of every tensor, by index.
    layers : dict
        Of every node with weights, by name.
    methods : dict
        By which method the range of each tensor was found, by the tensor's index.
    """

    encodings: dict[int, Encoding]
    layers: dict[str, LayerEncoding]
    methods: dict[int, str]


@dataclass(slots=True, eq=False)
class _Work:
    """Calibration under way: `real` and `rounded` are the two copies, by tensor."""

    graph: Graph
    recipe: Recipe
    groups: dict[int, Group]
    targets: tuple[int, ...]
    real: dict[int, AnyArray]
    rounded: dict[int, AnyArray]
    decisions: Decisions


def calibrate(
    graph: Graph,
    inputs: Sequence[AnyArray],
    recipe: Recipe,
    advance: Callable[[], None] = lambda: None,
) -> Decisions:
    """Decide everything.

    Parameters
    ----------
    graph : Graph
        Float.
    inputs : sequence of float32 ndarray
        Calibration data, (B, *shape), one array for each input.
    advance : callable
        Called once for each node.
    """
    work = _Work(
        graph=graph,
        recipe=recipe,
        groups=groups_of(graph, recipe.activations),
        targets=targets_of(graph),
        real=executor.trace(graph, inputs),
        rounded={},
        decisions=Decisions({}, {}, {}),
    )
    for i, tensor in enumerate(graph.tensors):
        if tensor.data is not None:
            work.real[i] = tensor.data[None]
    for i in work.real:
        if i in graph.inputs or graph.tensors[i].data is not None:
            _settle(work, i, work.real[i], 0)
    for place, node in enumerate(graph.nodes):
        _settle(work, node.outputs[0], _forward(work, node), place + 1)
        advance()
    return work.decisions


def rounded(values: AnyArray, encoding: Encoding) -> NDArray[np.float32]:
    """Return the real numbers that a tensor's integers stand for."""
    by = encoding.quantization
    steps = encode(values, encoding).astype(np.float32) - np.float32(by.zero_point)
    return steps * np.float32(by.scale)


def _settle(work: _Work, index: int, values: AnyArray, place: int) -> None:
    """Choose the encoding of a tensor's group if it is open; round the tensor's values to it."""
    if index not in work.decisions.encodings:
        encoding, method = _choose(work, index, values, place)
        for member in work.groups[index].members:
            work.decisions.encodings[member] = encoding
            work.decisions.methods[member] = method
    work.rounded[index] = rounded(values, work.decisions.encodings[index])


def _choose(work: _Work, index: int, values: AnyArray, place: int) -> tuple[Encoding, str]:
    """Return the encoding after which the rest of the network errs least, and how it was found."""
    recipe, group = work.recipe, work.groups[index]
    if group.implied is not None:
        return Encoding(recipe.activations, group.implied), "implied"
    seen = [ranges.thinned(work.real[member]) for member in group.members]
    candidates: dict[Encoding, str] = {}
    for name in recipe.ranges if recipe.activations == "int8" else ("min-max",):
        span = covering([ranges.METHODS[name](array) for array in seen])
        encoding = encoding_of(span, recipe.activations, recipe.power_of_two)
        candidates.setdefault(encoding, name)
    if len(candidates) == 1:
        return next(iter(candidates.items()))
    errors = {c: _error_after(work, index, values, c, place) for c in candidates}
    best = min(errors, key=lambda c: errors[c])
    return best, candidates[best]


def _error_after(
    work: _Work, index: int, values: AnyArray, encoding: Encoding, place: int
) -> float:
    """Squared error of the targets if the rest of the network computes in real numbers."""

    def head(array: AnyArray) -> AnyArray:
        return array[:JUDGED]

    given = {i: head(array) for i, array in {**work.real, **work.rounded}.items()}
    given[index] = rounded(head(values), encoding)
    nodes = work.graph.nodes[place:]
    computed = {node.outputs[0] for node in nodes}
    found = {i: given[i] for i in work.targets if i not in computed}
    later = [i for i in work.targets if i in computed]
    found |= executor.resume(work.graph, given, nodes, later)
    return sum(float(np.square(found[i] - head(work.real[i])).sum()) for i in work.targets)


def _forward(work: _Work, node: Node) -> AnyArray:
    """Run a node on rounded inputs, with rounded weights if it has any."""
    if FLOAT_OPERATORS[node.op].weights is None:
        return executor.forward(work.graph, node, work.rounded)
    x = node.inputs[0]
    layer, params = make_layer(
        node,
        work.graph.tensors[node.outputs[0]].shape,
        work.decisions.encodings[x].quantization.scale,
        work.real[x],
        work.rounded[x],
        work.recipe,
    )
    work.decisions.layers[node.name] = layer
    return executor.forward(work.graph, replace(node, params=params), work.rounded)

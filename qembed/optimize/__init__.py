"""Make a graph smaller without changing an output byte: docs/optimize.md.

Only what holds for every possible input is used. Nodes that do nothing go first (`rewires`), then
every byte gets an interval (`intervals`), and channels that are proved constant, or that nobody
reads, are taken out (`channels`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from qembed.ir import AnyArray, Graph, Node
from qembed.ops import OPERATORS
from qembed.optimize import channels, intervals, rewires
from qembed.optimize.removal import Removal
from qembed.validate import validate

__all__ = ["Optimized", "Removal", "SeenConstant", "optimize", "seen_constant"]


@dataclass(frozen=True, slots=True, eq=False)
class Optimized:
    """A smaller graph with the outputs of the original, and what it saves.

    Attributes
    ----------
    graph : Graph
        The original itself if there was nothing to remove.
    removed : tuple of Removal
    macs_before, macs_after : int
        Multiply-accumulates of one sample, padding counted.
    weight_bytes_before, weight_bytes_after : int
        Weights and biases; two weights of 4 bits in a byte.
    """

    graph: Graph
    removed: tuple[Removal, ...]
    macs_before: int
    macs_after: int
    weight_bytes_before: int
    weight_bytes_after: int


@dataclass(frozen=True, slots=True)
class SeenConstant:
    """Channels that never changed on some data, although some input may change them.

    Attributes
    ----------
    node : str
    channels : tuple of int
    """

    node: str
    channels: tuple[int, ...]


def optimize(graph: Graph) -> Optimized:
    """Remove what no input can make matter.

    Parameters
    ----------
    graph : Graph
        Validated.

    Returns
    -------
    Optimized
        Its graph is validated; inputs and outputs keep their shapes and every byte.
    """
    smaller, rewired = rewires.apply(graph)
    flat = rewires.flattened(smaller)
    cut_graph, cut = channels.apply(flat, intervals.of(flat))
    removed = (*rewired, *cut)
    smaller = cut_graph if cut else smaller
    smaller = validate(rewires.without_unused_tensors(smaller)) if removed else graph
    return Optimized(
        smaller,
        removed,
        sum(_macs(graph, node) for node in graph.nodes),
        sum(_macs(smaller, node) for node in smaller.nodes),
        sum(_weight_bytes(node) for node in graph.nodes),
        sum(_weight_bytes(node) for node in smaller.nodes),
    )


def seen_constant(graph: Graph, traced: Mapping[int, AnyArray]) -> tuple[SeenConstant, ...]:
    """List channels of sums of products that are constant in a trace but not proved so.

    They are never removed: another input may wake them.

    Parameters
    ----------
    graph : Graph
    traced : mapping of int to ndarray
        What an executor's ``trace`` returned for it.
    """
    proved = intervals.of(graph)
    found = []
    for node in graph.nodes:
        if OPERATORS[node.op].rows is None or node.outputs[0] not in proved:
            continue
        values = traced[node.outputs[0]]
        still = (values == values[:1]).reshape(-1, values.shape[-1]).all(axis=0)
        only_seen = np.flatnonzero(still & ~proved[node.outputs[0]].constant_channels())
        if only_seen.size:
            found.append(SeenConstant(node.name, tuple(map(int, only_seen))))
    return tuple(found)


def _macs(graph: Graph, node: Node) -> int:
    count = OPERATORS[node.op].macs
    tensors = (graph.tensors[i] for i in (*node.inputs, *node.outputs))
    return int(count(node.params, *tensors)) if count else 0


def _weight_bytes(node: Node) -> int:
    if OPERATORS[node.op].rows is None:
        return 0
    params = node.params
    weights: int = math.ceil(params.weights.size * params.weight_bits / 8)
    return weights + int(params.bias.nbytes)

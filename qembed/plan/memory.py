"""The memory plan of a graph: where in the one arena every activation lies, decided on the desk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from qembed.ir import Graph, Node
from qembed.plan.demand import Demand, Traversal
from qembed.plan.place import Item, Rule, place


@dataclass(frozen=True, slots=True)
class Layer:
    """One output of one node that runs: a call of QE_LAYER_DONE."""

    node: int
    tensor: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Where everything lies. Offsets are bytes from the start of the arena.

    Attributes
    ----------
    order : tuple of int
        Node indices in the order they run.
    offsets : mapping of int to int
        By tensor index: every tensor but the constants.
    aliases : mapping of int to int
        Tensors that are the bytes of another one, which owns them. A node with such an output
        does not run.
    traversals : tuple of Traversal
        By node index: the way each node runs.
    scratch : mapping of int to int
        By node index: offset of its scratch, for nodes that need one.
    layers : tuple of Layer
        In the order of QE_LAYER_DONE.
    arena_bytes : int
    lower_bound : int
        No placement of these nodes in this order can be smaller.
    alignment : int
        Of the arena itself, in bytes.
    """

    order: tuple[int, ...]
    offsets: Mapping[int, int]
    aliases: Mapping[int, int]
    traversals: tuple[Traversal, ...]
    scratch: Mapping[int, int]
    layers: tuple[Layer, ...]
    arena_bytes: int
    lower_bound: int
    alignment: int

    @property
    def running(self) -> tuple[int, ...]:
        """Nodes that run, in order: those whose output is not an alias."""
        return tuple(dict.fromkeys(layer.node for layer in self.layers))


@dataclass(frozen=True, slots=True)
class _Buffer:
    """Bytes needed from the `first` position in the order to the `last`, both included.

    -1 is before the first node (inputs, state), len(order) after the last one (outputs, state).
    """

    first: int
    last: int
    size: int
    alignment: int


_Key = tuple[str, int]
"""("tensor", index) or ("scratch", node index)."""

_APART = 1 << 40
"""A distance beyond all sizes."""


def plan_memory(graph: Graph, demands: Sequence[Demand] | None = None, alignment: int = 4) -> Plan:
    """Place every activation of a validated graph.

    Inputs may be overwritten by the inference that reads them. Outputs are intact after it, and
    so is state.

    Parameters
    ----------
    graph : Graph
    demands : sequence of Demand, optional
        One per node; without it no node needs scratch or tolerates an overlap.
    alignment : int
        Of every buffer, in bytes: a power of two.
    """
    demands = demands or [Demand()] * len(graph.nodes)
    order = tuple(range(len(graph.nodes)))
    aliases = find_aliases(graph, demands)
    traversals = tuple(demand.traversals[0] for demand in demands)
    running = [n for n in order if graph.nodes[n].outputs[0] not in aliases]

    buffers = _buffers(graph, order, aliases, traversals, alignment)
    rules = _rules(graph, order, aliases, traversals, buffers)
    bound = _lower_bound(len(order), list(buffers.values()), rules)
    items = [Item(b.size, b.alignment) for b in buffers.values()]
    offsets, peak = place(items, rules, bound)
    at = dict(zip(buffers, offsets, strict=True))
    tensors = [i for i in range(len(graph.tensors)) if ("tensor", aliases.get(i, i)) in at]
    return Plan(
        order=order,
        offsets={i: at["tensor", aliases.get(i, i)] for i in tensors},
        aliases=aliases,
        traversals=traversals,
        scratch={n: at["scratch", n] for n in running if ("scratch", n) in at},
        layers=tuple(Layer(n, t) for n in running for t in graph.nodes[n].outputs),
        arena_bytes=_round_up(peak, alignment),
        lower_bound=_round_up(bound, alignment),
        alignment=max(b.alignment for b in buffers.values()),
    )


def find_aliases(graph: Graph, demands: Sequence[Demand]) -> dict[int, int]:
    """Tensors that can be another tensor's bytes, each with the tensor that owns them."""
    aliases: dict[int, int] = {}
    for node, demand in zip(graph.nodes, demands, strict=True):
        if demand.alias:
            source, target = node.inputs[0], node.outputs[0]
            pair = graph.tensors[source], graph.tensors[target]
            if all(tensor.data is None and tensor.reset_value is None for tensor in pair):
                aliases[target] = aliases.get(source, source)
    return aliases


def _buffers(
    graph: Graph,
    order: Sequence[int],
    aliases: Mapping[int, int],
    traversals: Sequence[Traversal],
    alignment: int,
) -> dict[_Key, _Buffer]:
    """Everything that needs a place, and when."""
    end = len(order)
    uses: dict[int, list[int]] = {}

    def use(tensor: int, position: int) -> None:
        if graph.tensors[tensor].data is None:
            uses.setdefault(aliases.get(tensor, tensor), []).append(position)

    for tensor in graph.inputs:
        use(tensor, -1)
    for tensor in graph.state:
        use(tensor, -1)
        use(tensor, end)
    for position, n in enumerate(order):
        for tensor in (*graph.nodes[n].inputs, *graph.nodes[n].outputs):
            use(tensor, position)
    for tensor in graph.outputs:
        use(tensor, end)

    buffers: dict[_Key, _Buffer] = {}
    for tensor, at in sorted(uses.items()):
        itemsize = np.dtype(graph.tensors[tensor].dtype).itemsize
        buffers["tensor", tensor] = _Buffer(
            min(at), max(at), graph.tensors[tensor].nbytes, max(alignment, itemsize)
        )
    for position, n in enumerate(order):
        if traversals[n].scratch and graph.nodes[n].outputs[0] not in aliases:
            buffers["scratch", n] = _Buffer(position, position, traversals[n].scratch, alignment)
    return buffers


def _rules(
    graph: Graph,
    order: Sequence[int],
    aliases: Mapping[int, int],
    traversals: Sequence[Traversal],
    buffers: Mapping[_Key, _Buffer],
) -> list[Rule]:
    """Distances that buffers needed at the same time must keep."""
    index = {key: i for i, key in enumerate(buffers)}
    tolerated: dict[tuple[int, int], Rule] = {}
    for position, n in enumerate(order):
        for source, target, rule in _tolerated(graph.nodes[n], traversals[n], aliases):
            keys = ("tensor", source), ("tensor", target)
            if keys[0] not in buffers or buffers[keys[0]].last != position:
                continue
            if buffers[keys[1]].first != position or buffers[keys[1]].last < position:
                continue
            tolerated[index[keys[0]], index[keys[1]]] = rule

    rules = []
    for (i, a), (j, b) in combinations(enumerate(buffers.values()), 2):
        if a.last < b.first or b.last < a.first:
            continue
        if (j, i) in tolerated:
            i, j, a, b = j, i, b, a
        rule = tolerated.get((i, j), Rule(0, 0, -b.size, a.size))
        rules.append(Rule(i, j, max(rule.below, -b.size), min(rule.above, a.size), rule.zero))
    return rules


def _tolerated(
    node: Node, traversal: Traversal, aliases: Mapping[int, int]
) -> Iterator[tuple[int, int, Rule]]:
    """Overlaps of a node by (input tensor, output tensor).

    A tensor that is read as several inputs tolerates what all of them do.
    """
    inputs = [aliases.get(t, t) for t in node.inputs]
    for o, target in enumerate(node.outputs):
        for source in sorted(set(inputs) - {target}):
            declared = [
                overlap
                for overlap in traversal.overlaps
                if overlap.output == o and inputs[overlap.input] == source
            ]
            if len(declared) == inputs.count(source):
                below = min(-_APART if d.below is None else d.below for d in declared)
                above = max(_APART if d.above is None else d.above for d in declared)
                zero = all(d.in_place or below >= 0 or above <= 0 for d in declared)
                yield source, target, Rule(0, 0, below, above, zero)


def _lower_bound(steps: int, buffers: Sequence[_Buffer], rules: Sequence[Rule]) -> int:
    """Largest sum, over the steps, of what must exist less what may be shared."""
    bound = 0
    for step in range(-1, steps + 1):
        live = {i for i, b in enumerate(buffers) if b.first <= step <= b.last}
        total = sum(buffers[i].size for i in live)
        shared: dict[int, int] = {}
        for rule in rules:
            if rule.first in live and rule.second in live:
                sizes = buffers[rule.first].size, buffers[rule.second].size
                shared[rule.second] = shared.get(rule.second, 0) + _largest_overlap(rule, *sizes)
        bound = max(bound, total - sum(min(s, buffers[i].size) for i, s in shared.items()))
    return bound


def _largest_overlap(rule: Rule, first: int, second: int) -> int:
    """Most bytes that two buffers of these sizes can share under a rule."""
    # The overlap is greatest for distances between 0 and first - second.
    ends = sorted((0, first - second))
    distances = [min(rule.below, ends[1]), max(rule.above, ends[0]), *([0] if rule.zero else [])]
    return max(max(0, min(first, d + second) - max(0, d)) for d in distances)


def _round_up(size: int, alignment: int) -> int:
    return -(-size // alignment) * alignment

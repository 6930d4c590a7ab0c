"""What a memory plan has to satisfy: which buffers exist when, and how near they may come."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from qembed.ir import Graph, Node
from qembed.plan.demand import Demand, Traversal
from qembed.plan.place import Rule

_APART = 1 << 40
"""A distance beyond all sizes."""


@dataclass(frozen=True, slots=True)
class Mode:
    """Traversals of a node that cost the same and need the same scratch.

    Which of them runs follows from the place that the output gets.
    """

    cost: int
    scratch: int
    traversals: tuple[Traversal, ...]


@dataclass(frozen=True, slots=True)
class Buffer:
    """Bytes needed from the `first` position in the order to the `last`, both included.

    -1 is before the first node (inputs, state), len(order) after the last one (outputs, state).
    """

    first: int
    last: int
    size: int


@dataclass(frozen=True, slots=True)
class Problem:
    """A graph in a certain order.

    Attributes
    ----------
    tensors : mapping of int to Buffer
        By index of the tensor that owns the bytes.
    positions : mapping of int to int
        Position in the order of every node that runs.
    """

    graph: Graph
    order: tuple[int, ...]
    aliases: Mapping[int, int]
    alignment: int
    tensors: Mapping[int, Buffer]
    positions: Mapping[int, int]


def modes_of(demand: Demand) -> tuple[Mode, ...]:
    """Group the traversals of a node, the cheapest first, otherwise in their order."""
    groups: dict[tuple[int, int], list[Traversal]] = {}
    for traversal in demand.traversals:
        groups.setdefault((traversal.cost, traversal.scratch), []).append(traversal)
    modes = [Mode(cost, scratch, tuple(group)) for (cost, scratch), group in groups.items()]
    return tuple(sorted(modes, key=lambda mode: mode.cost))


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


def state_problem(
    graph: Graph, order: tuple[int, ...], aliases: Mapping[int, int], alignment: int
) -> Problem:
    """Find out when each tensor must exist."""
    uses: dict[int, list[int]] = {}

    def use(tensors: Collection[int], position: int) -> None:
        for tensor in tensors:
            if graph.tensors[tensor].data is None:
                uses.setdefault(aliases.get(tensor, tensor), []).append(position)

    use((*graph.inputs, *graph.state), -1)
    for position, n in enumerate(order):
        use((*graph.nodes[n].inputs, *graph.nodes[n].outputs), position)
    use((*graph.outputs, *graph.state), len(order))
    tensors = {}
    for index, positions in uses.items():
        tensors[index] = Buffer(min(positions), max(positions), graph.tensors[index].nbytes)
    running = {n: p for p, n in enumerate(order) if graph.nodes[n].outputs[0] not in aliases}
    return Problem(graph, order, aliases, alignment, tensors, running)


def tolerated(
    node: Node, mode: Mode, aliases: Mapping[int, int]
) -> Iterator[tuple[int, int, Rule]]:
    """Overlaps by (input tensor, output tensor) that some traversal of the mode allows."""
    inputs = [aliases.get(t, t) for t in node.inputs]
    for o, target in enumerate(node.outputs):
        for source in dict.fromkeys(inputs):
            positions = [i for i, tensor in enumerate(inputs) if tensor == source]
            rules = [_rule(traversal, positions, o) for traversal in mode.traversals]
            if source != target:
                below, above = max(r.below for r in rules), min(r.above for r in rules)
                yield source, target, Rule(0, 0, below, above, any(r.zero for r in rules))


def _rule(traversal: Traversal, positions: Sequence[int], output: int) -> Rule:
    """Distances that a traversal allows between an output and a tensor read at some positions."""
    declared = [d for d in traversal.overlaps if d.output == output and d.input in positions]
    if len(declared) < len(positions):
        return Rule(0, 0, -_APART, _APART)
    below = min(-_APART if d.below is None else d.below for d in declared)
    above = max(_APART if d.above is None else d.above for d in declared)
    zero = all(
        d.in_place
        or (d.below is not None and d.below >= 0)
        or (d.above is not None and d.above <= 0)
        for d in declared
    )
    return Rule(0, 0, below, above, zero)


def footprint(problem: Problem, n: int, mode: Mode) -> int:
    """Bytes that must exist while a node runs in a mode: no placement can need less."""
    position = problem.positions[n]
    shared: dict[int, int] = {}
    for source, target, rule in tolerated(problem.graph.nodes[n], mode, problem.aliases):
        if _may_overlap(problem, source, target, position):
            sizes = problem.tensors[source].size, problem.tensors[target].size
            shared[target] = shared.get(target, 0) + largest_overlap(rule, *sizes)
    saved = sum(min(bytes_, problem.tensors[t].size) for t, bytes_ in shared.items())
    return _live_bytes(problem, position) + mode.scratch - saved


def least_bytes(problem: Problem, n: int, demand: Demand) -> int:
    """Bytes that must exist while a node runs in its most modest mode."""
    return min(footprint(problem, n, mode) for mode in modes_of(demand))


def standing(problem: Problem) -> int:
    """Bytes that must exist before, after or between the nodes, whatever their modes."""
    quiet = set(range(-1, len(problem.order) + 1)) - set(problem.positions.values())
    return max(_live_bytes(problem, position) for position in quiet)


def _live_bytes(problem: Problem, position: int) -> int:
    return sum(b.size for b in problem.tensors.values() if b.first <= position <= b.last)


def _may_overlap(problem: Problem, source: int, target: int, position: int) -> bool:
    """Whether the node at a position is the last reader of one and the maker of the other."""
    tensors = problem.tensors
    return (
        source in tensors
        and tensors[source].last == position
        and tensors[target].first == position
        and problem.graph.tensors[target].reset_value is None
    )


def largest_overlap(rule: Rule, first: int, second: int) -> int:
    """Most bytes that two buffers of these sizes can share under a rule."""
    # The overlap is greatest for distances between 0 and first - second.
    low, high = sorted((0, first - second))
    distances = [min(rule.below, high), max(rule.above, low), *([0] if rule.zero else [])]
    return max(max(0, min(first, d + second) - max(0, d)) for d in distances)


Key = tuple[str, int]
"""("tensor", index) or ("scratch", node index)."""


def to_place(
    problem: Problem, modes: Mapping[int, Mode]
) -> tuple[list[Key], list[int], list[Rule]]:
    """List sizes and rules for the search, in the order in which the buffers come to life.

    Parameters
    ----------
    modes : mapping of int to Mode
        Of every node that runs.
    """
    buffers: dict[Key, Buffer] = {("tensor", t): b for t, b in problem.tensors.items()}
    for n, mode in modes.items():
        if mode.scratch:
            at = problem.positions[n]
            buffers["scratch", n] = Buffer(at, at, mode.scratch)
    keys = sorted(buffers, key=lambda key: (buffers[key].first, key))
    index = {key: i for i, key in enumerate(keys)}
    exceptions = {
        (index["tensor", source], index["tensor", target]): rule
        for n, mode in modes.items()
        for source, target, rule in tolerated(problem.graph.nodes[n], mode, problem.aliases)
        if _may_overlap(problem, source, target, problem.positions[n])
    }
    rules = [
        _limited(exceptions.get((i, j)), i, j, buffers[a].size, buffers[b].size)
        for (i, a), (j, b) in combinations(enumerate(keys), 2)
        if buffers[b].first <= buffers[a].last
    ]
    return keys, [buffers[key].size for key in keys], rules


def _limited(rule: Rule | None, i: int, j: int, first: int, second: int) -> Rule:
    """Make the rule of two items: they may lie apart, and must unless a rule says more."""
    if rule is None:
        return Rule(i, j, -second, first)
    return Rule(i, j, max(rule.below, -second), min(rule.above, first), rule.zero)

"""The memory plan of a graph: where in the one arena every activation lies, decided on the desk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np

from qembed.errors import UnsupportedError
from qembed.ir import Graph
from qembed.plan.demand import Demand, Traversal
from qembed.plan.order import smallest_order
from qembed.plan.place import fit, shrink
from qembed.plan.problem import (
    Key,
    Mode,
    Problem,
    find_aliases,
    footprint,
    largest_overlap,
    modes_of,
    standing,
    state_problem,
    to_place,
    tolerated,
)
from qembed.plan.streaming import Stream


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
    traversals : mapping of int to Traversal
        By node index: the way each node runs, of those that run.
    scratch : mapping of int to int
        By node index: offset of its scratch, for nodes that need one.
    layers : tuple of Layer
        In the order of QE_LAYER_DONE.
    arena_bytes : int
    lower_bound : int
        No placement of these nodes in this order can be smaller.
    alignment : int
        Of the arena and of everything in it, in bytes.
    stream : Stream, optional
        The first nodes, if they run row by row; tensors that are never whole have no offset.
    """

    order: tuple[int, ...]
    offsets: Mapping[int, int]
    aliases: Mapping[int, int]
    traversals: Mapping[int, Traversal]
    scratch: Mapping[int, int]
    layers: tuple[Layer, ...]
    arena_bytes: int
    lower_bound: int
    alignment: int
    stream: Stream | None = None

    @property
    def running(self) -> tuple[int, ...]:
        """Nodes that run, in order: those whose output is not an alias."""
        return tuple(dict.fromkeys(layer.node for layer in self.layers))


def plan_memory(
    graph: Graph,
    demands: Sequence[Demand] | None = None,
    alignment: int = 4,
    arena_max: int | None = None,
) -> Plan:
    """Order the nodes, choose their traversals and place every activation of a validated graph.

    Inputs may be overwritten by the inference that reads them. Outputs are intact after it, and
    so is state.

    Parameters
    ----------
    graph : Graph
    demands : sequence of Demand, optional
        One per node; without it no node needs scratch or tolerates an overlap.
    alignment : int
        Of every buffer, in bytes: a power of two.
    arena_max : int, optional
        Bytes that the arena may take. Traversals that cost more than a node's cheapest ones are
        used only if the arena would not fit otherwise.

    Raises
    ------
    UnsupportedError
        If no plan within `arena_max` was found, with the smallest one's size.
    """
    demands = demands or [Demand()] * len(graph.nodes)
    cheapest = [_cheapest(demand) for demand in demands]
    plan = _plan(graph, cheapest, alignment, None)
    if arena_max is None or plan.arena_bytes <= arena_max:
        return plan
    if cheapest != list(demands):
        plan = _plan(graph, demands, alignment, arena_max)
    if plan.arena_bytes <= arena_max:
        return plan
    raise UnsupportedError(
        f"the activations need an arena of {plan.arena_bytes} bytes, "
        f"{plan.arena_bytes - arena_max} more than the {arena_max} allowed "
        f"(with these kernels no plan can be below {plan.lower_bound})"
    )


def _cheapest(demand: Demand) -> Demand:
    least = min(traversal.cost for traversal in demand.traversals)
    return replace(demand, traversals=tuple(t for t in demand.traversals if t.cost == least))


def _plan(graph: Graph, demands: Sequence[Demand], alignment: int, enough: int | None) -> Plan:
    """Make the smallest plan found, in the graph's own order or a better one."""
    aliases = find_aliases(graph, demands)
    modes = [modes_of(demand) for demand in demands]
    own = tuple(range(len(graph.nodes)))
    order = smallest_order(graph, cache(partial(_most_shared, graph, modes)))
    plans = [
        _plan_in_order(state_problem(graph, o, aliases, alignment), modes, enough)
        for o in dict.fromkeys((own, order))
    ]
    return min(plans, key=lambda plan: plan.arena_bytes)


def _most_shared(
    graph: Graph,
    modes: Sequence[Sequence[Mode]] | Mapping[int, Sequence[Mode]],
    n: int,
    dying: tuple[int, ...],
) -> int:
    """Bytes that a node can save by writing over inputs that die there, less its scratch."""
    savings = []
    for mode in modes[n]:
        shared = sum(
            largest_overlap(rule, graph.tensors[source].nbytes, graph.tensors[target].nbytes)
            for source, target, rule in tolerated(graph.nodes[n], mode, {})
            if source in dying
        )
        written = sum(graph.tensors[t].nbytes for t in graph.nodes[n].outputs)
        savings.append(min(shared, written) - mode.scratch)
    return max(savings)


def _plan_in_order(problem: Problem, modes: Sequence[Sequence[Mode]], enough: int | None) -> Plan:
    """Place everything; with `enough` an arena of that size will do."""
    footprints = {n: [footprint(problem, n, mode) for mode in modes[n]] for n in problem.positions}
    bound = max([standing(problem), *(min(sizes) for sizes in footprints.values())])

    def attempt(limit: int) -> _Placement | None:
        chosen = {n: _first_within(modes[n], footprints[n], limit) for n in problem.positions}
        return _place(problem, chosen, limit)

    placement = attempt(enough) if enough is not None else None
    if placement is None:
        placement = shrink(attempt, bound, _place_apart(problem, modes))
    return _assemble(problem, placement, bound)


def _first_within(modes: Sequence[Mode], footprints: Sequence[int], limit: int) -> Mode:
    """Choose the preferred mode that fits below the limit, or the smallest if none does."""
    for mode, size in zip(modes, footprints, strict=True):
        if size <= limit:
            return mode
    return modes[int(np.argmin(footprints))]


@dataclass(frozen=True, slots=True)
class _Placement:
    """Offsets of everything, and the traversals that they allow, by node."""

    offsets: dict[Key, int]
    traversals: dict[int, Traversal]
    peak: int


def _place(problem: Problem, modes: Mapping[int, Mode], limit: int) -> _Placement | None:
    """Search places below a limit, and traversals that fit them."""
    keys, sizes, rules = to_place(problem, modes)
    found = fit(sizes, rules, limit, problem.alignment)
    if found is None:
        return None
    offsets = dict(zip(keys, found, strict=True))
    traversals = {}
    for n, mode in modes.items():
        for traversal in mode.traversals:
            if _is_right(problem, n, replace(mode, traversals=(traversal,)), offsets):
                traversals[n] = traversal
                break
        else:
            return None  # each output found a traversal, but not all of them the same
    peak = max(at + size for at, size in zip(found, sizes, strict=True))
    return _Placement(offsets, traversals, peak)


def _is_right(problem: Problem, n: int, mode: Mode, offsets: Mapping[Key, int]) -> bool:
    """Whether the places of a node's outputs are right for a mode with a single traversal."""
    for source, target, rule in tolerated(problem.graph.nodes[n], mode, problem.aliases):
        if ("tensor", source) not in offsets or problem.graph.tensors[
            target
        ].reset_value is not None:
            continue
        distance = offsets["tensor", target] - offsets["tensor", source]
        apart = (
            distance >= problem.tensors[source].size or distance <= -problem.tensors[target].size
        )
        if not (apart or rule.allows(distance)):
            return False
    return True


def _place_apart(problem: Problem, modes: Sequence[Sequence[Mode]]) -> _Placement:
    """Place without overlaps, which is always possible: where the search starts."""
    apart = {
        n: replace(modes[n][0], traversals=(replace(modes[n][0].traversals[0], overlaps=()),))
        for n in problem.positions
    }
    keys, sizes, rules = to_place(problem, apart)
    limit = sum(size + problem.alignment for size in sizes)
    found = fit(sizes, rules, limit, problem.alignment)
    assert found is not None
    peak = max(at + size for at, size in zip(found, sizes, strict=True))
    traversals = {n: modes[n][0].traversals[0] for n in apart}
    return _Placement(dict(zip(keys, found, strict=True)), traversals, peak)


def _assemble(problem: Problem, placement: _Placement, bound: int) -> Plan:
    graph, aliases, at = problem.graph, problem.aliases, placement.offsets
    owners = {i: aliases.get(i, i) for i in range(len(graph.tensors))}
    return Plan(
        order=problem.order,
        offsets={i: at["tensor", o] for i, o in owners.items() if ("tensor", o) in at},
        aliases=aliases,
        traversals=placement.traversals,
        scratch={n: at["scratch", n] for n in problem.positions if ("scratch", n) in at},
        layers=tuple(Layer(n, t) for n in problem.positions for t in graph.nodes[n].outputs),
        arena_bytes=_round_up(placement.peak, problem.alignment),
        lower_bound=_round_up(bound, problem.alignment),
        alignment=problem.alignment,
    )


def _round_up(size: int, alignment: int) -> int:
    return -(-size // alignment) * alignment
